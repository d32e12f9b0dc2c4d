package file

import (
	"bytes"
	"context"
	"encoding/csv"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp"
)

// outbox writes what was produced as one small CSV file for each write, which the
// other side may read, move or delete at any time. What was sent is known
// nevertheless: a copy goes to the folder "sent" of the archive just before the
// file gets its name. A copy without a temporary file means that it was sent.
type outbox struct {
	*folder
	comma bool
}

func (s *Source) outbox() outbox { return outbox{s.in, s.in.Decimal == "comma"} }

// Prepare checks the write; there is nothing to read before.
func (s *Source) Prepare(_ context.Context, w erp.Write) (erp.Write, error) {
	return w, s.outbox().check(w)
}

// Write puts the file into the folder out. One that was sent before is not sent
// again.
func (s *Source) Write(_ context.Context, w erp.Write) (erp.Receipt, error) {
	o := s.outbox()
	if err := o.check(w); err != nil {
		return erp.Receipt{}, err
	}
	if err := o.open(); err != nil {
		return erp.Receipt{}, err
	}
	if o.sent(w.ID) {
		return o.receipt(w), nil
	}
	content, err := o.content(w)
	if err != nil {
		return erp.Receipt{}, &erp.Error{Fault: erp.Refused, Doing: "write " + w.ID, Err: err}
	}
	if err := o.send(w.ID, content); err != nil {
		e, _ := trouble("write "+w.ID+".csv to "+o.Out, err).(*erp.Error)
		e.Fault = erp.Unclear
		return erp.Receipt{}, e
	}
	return o.receipt(w), nil
}

// Look finds out whether the file was sent, although the other side may have
// taken it.
func (s *Source) Look(_ context.Context, w erp.Write) (erp.Receipt, bool, error) {
	o := s.outbox()
	if err := o.check(w); err != nil {
		return erp.Receipt{}, false, err
	}
	for _, dir := range []string{o.Out, o.Archive} {
		if _, err := os.Stat(dir); err != nil {
			return erp.Receipt{}, false, trouble("look for "+w.ID+".csv", err)
		}
	}
	if !o.sent(w.ID) {
		return erp.Receipt{}, false, nil
	}
	return o.receipt(w), true, nil
}

func (o outbox) check(w erp.Write) error {
	refused := func(what string, args ...any) error {
		return &erp.Error{Fault: erp.Refused, Doing: "write " + shorten(w.ID, 40), What: fmt.Sprintf(what, args...)}
	}
	switch {
	case o.Out == "":
		return refused("no folder for write-back is configured (out)")
	case w.Kind != erp.Produced:
		return refused("a drop folder takes produced goods only, not %s", w.Kind)
	case w.ID == "" || len(w.ID) > 20 || strings.Trim(w.ID, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-") != "":
		return refused("the external id is not made of 1 to 20 of A-Z, 0-9 and -")
	}
	return nil
}

func (o outbox) temporary(id string) string { return filepath.Join(o.Out, id+".csv.tmp") }
func (o outbox) final(id string) string     { return filepath.Join(o.Out, id+".csv") }
func (o outbox) copied(id string) string    { return filepath.Join(o.Archive, "sent", id+".csv") }

// sent says whether a write got its name in the folder out.
func (o outbox) sent(id string) bool {
	return exists(o.final(id)) || exists(o.copied(id)) && !exists(o.temporary(id))
}

// send writes the file under a name that nobody takes, then the copy, and then
// gives the file its name.
func (o outbox) send(id string, content []byte) error {
	if err := os.MkdirAll(filepath.Dir(o.copied(id)), 0o750); err != nil {
		return err
	}
	if err := o.put(o.temporary(id), content); err != nil {
		return err
	}
	if err := o.write(o.copied(id), content); err != nil {
		return err
	}
	return o.replace(o.temporary(id), o.final(id))
}

func (o outbox) receipt(w erp.Write) erp.Receipt {
	return erp.Receipt{Key: w.ID + ".csv", Says: fmt.Sprintf("%s of %s in %s", w.Delta, w.Product, w.ID+".csv")}
}

// content is a header and one row, in the way in which the plant writes its own
// files.
func (o outbox) content(w erp.Write) ([]byte, error) {
	number := func(d decimal.Decimal) string {
		if o.comma {
			return strings.Replace(d.String(), ".", ",", 1)
		}
		return d.String()
	}
	var b bytes.Buffer
	c := csv.NewWriter(&b)
	switch c.Comma = ';'; o.Delimiter {
	case "":
	case "tab":
		c.Comma = '\t'
	default:
		c.Comma = rune(o.Delimiter[0])
	}
	c.UseCRLF = true
	err := c.WriteAll([][]string{
		{"id", "company", "order", "line", "number", "production_order", "product", "quantity", "unit", "produced", "ordered", "location", "at"},
		{w.ID, w.Company, w.Order, w.Line, w.Number, w.Code, w.Product, number(w.Delta), w.Unit, number(w.Produced), number(w.Ordered), w.Place, w.At.UTC().Format(time.RFC3339)},
	})
	return b.Bytes(), err
}
