package store

import (
	"errors"
	"path/filepath"
	"testing"
	"time"
)

// TestInbox: what came is there in its order, also after a restart, until it was
// taken; and it is bounded.
func TestInbox(t *testing.T) {
	path := filepath.Join(t.TempDir(), "gateway.db")
	s := open(t, path, small())
	at := time.Date(2026, 1, 10, 12, 0, 0, 1000, time.UTC)
	put := func(source string, body []byte) error {
		return s.Commit(t.Context(), Write{Inbox: []InboxItem{{Time: at, Source: source, Body: body}}})
	}
	for _, source := range []string{"webhook", "production_orders", "downtimes"} {
		if err := put(source, []byte("["+source+"]")); err != nil {
			t.Fatal(err)
		}
	}
	closeStore(t, s)
	s = open(t, path, small())
	list, err := s.Inbox(t.Context(), 2)
	if err != nil || len(list) != 2 || list[0].Source != "webhook" || list[1].Source != "production_orders" || string(list[1].Body) != "[production_orders]" || !list[0].Time.Equal(at) {
		t.Fatalf("%+v %v", list, err)
	}
	if err := s.Commit(t.Context(), Write{Taken: []int64{list[0].ID, list[1].ID, 4711}}); err != nil {
		t.Fatal(err)
	}
	if list, err = s.Inbox(t.Context(), 10); err != nil || len(list) != 1 || list[0].Source != "downtimes" {
		t.Errorf("%+v %v", list, err)
	}
	big := make([]byte, 10<<20)
	var full error
	for range 5 {
		if full = put("webhook", big); full != nil {
			break
		}
	}
	if !errors.Is(full, ErrInboxFull) {
		t.Errorf("%v", full)
	}
	if list, _ = s.Inbox(t.Context(), 10); len(list) != 4 {
		t.Errorf("%d items", len(list))
	}
	var ids []int64
	for _, i := range list {
		ids = append(ids, i.ID)
	}
	if err := s.Commit(t.Context(), Write{Taken: ids}); err != nil {
		t.Fatal(err)
	}
	if err := put("webhook", nil); err != nil {
		t.Error(err)
	}
}
