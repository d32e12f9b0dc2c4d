package modbus

import (
	"context"
	"os"
	"runtime"
	"strings"
	"testing"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors"
)

func mustTarget(t *testing.T, address string) target {
	t.Helper()
	to, err := Config{Address: address}.target()
	if err != nil {
		t.Fatal(err)
	}
	return to
}

// TestOneMasterOnAPort: a port that is in use can not be opened, whoever asks,
// and can be when it was given back.
func TestOneMasterOnAPort(t *testing.T) {
	master, _, _ := ptyPair(t)
	to := mustTarget(t, "rtu://"+master)
	for range 2 {
		l, err := openSerial(context.Background(), to)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := mustSurvey(t, fastConfig("rtu://"+master)).Probe(t.Context(), []connectors.Tag{tag("40001", "")}); err == nil || !strings.Contains(err.Error(), "another program uses it") {
			t.Errorf("a second master: %v", err)
		}
		if err := l.release(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestPortBeyondManyFiles: the driver can not watch a port whose number is above
// those of a thousand open files; that is an error of the port, no crash.
func TestPortBeyondManyFiles(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("other systems number their files otherwise")
	}
	master, _, _ := ptyPair(t)
	for range 1100 {
		f, err := os.Open(os.DevNull)
		if err != nil {
			t.Skipf("the system allows fewer open files: %v", err)
		}
		defer f.Close()
	}
	l, err := openSerial(context.Background(), mustTarget(t, "rtu://"+master))
	if err == nil {
		defer l.release()
		_, err = l.Read(make([]byte, 1))
	}
	if err == nil || !strings.Contains(err.Error(), "files open") {
		t.Error(err)
	}
}
