package erp

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

func TestBudgetOfADay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		zone := time.FixedZone("", 5*3600)
		kept := ""
		config := BudgetConfig{Classes: []Class{{"frequent", 10}, {"free", 0}}, Zone: zone, Keep: func(s string) error { kept = s; return nil }}
		b := NewBudget(config)
		for i := range 10 {
			if want := map[bool]int{i <= 8: 1, i == 9: 2}[true]; b.Stretch("frequent") != want {
				t.Fatalf("after %d of 10 calls the interval is stretched %d times", i, b.Stretch("frequent"))
			}
			if err := b.Take(t.Context(), "frequent"); err != nil {
				t.Fatal(err)
			}
			config.Kept = kept // a restart after each call
			b = NewBudget(config)
		}
		if b.Stretch("frequent") != 0 || b.Stretch("free") != 1 {
			t.Error("a used up budget is not the last step")
		}
		err := b.Take(t.Context(), "frequent")
		var e *Error
		if !errors.As(err, &e) || e.Fault != Exhausted {
			t.Fatalf("the eleventh call: %v", err)
		}
		// 2000-01-01 00:00 UTC is 05:00 there; the day ends 19 hours later.
		if want := time.Now().Add(19 * time.Hour); !e.Until.Equal(want) {
			t.Errorf("until %s, want %s", e.Until, want)
		}
		if err := b.Take(t.Context(), "free"); err != nil {
			t.Error(err)
		}
		time.Sleep(time.Until(e.Until))
		if err := b.Take(t.Context(), "frequent"); err != nil || b.Used()["frequent"] != 1 {
			t.Errorf("the next day: %v, %v", err, b.Used())
		}
	})
}

func TestBudgetTold(t *testing.T) {
	b := NewBudget(BudgetConfig{Classes: []Class{{"frequent", 100}}})
	b.Told("frequent", 15)
	if b.Stretch("frequent") != 2 {
		t.Error("what the system said is left is not believed")
	}
	_ = b.Take(t.Context(), "frequent")
	if l := b.Left()[0]; l.Left != 14 || l.Used != 1 || l.PerDay != 100 {
		t.Errorf("%+v", l)
	}
	b.Told("frequent", 0)
	if err := b.Take(t.Context(), "frequent"); !Is(err, Exhausted) {
		t.Errorf("%v", err)
	}
}

func TestBudgetOfAMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := NewBudget(BudgetConfig{PerMinute: 40})
		began := time.Now()
		for range 120 {
			if err := b.Take(t.Context(), "x"); err != nil {
				t.Fatal(err)
			}
		}
		if took := time.Since(began); took != 2*time.Minute {
			t.Errorf("120 calls at 40 a minute took %s", took)
		}
		ctx, stop := context.WithTimeout(t.Context(), time.Second)
		defer stop()
		if err := b.Take(ctx, "x"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v", err)
		}
	})
}

func TestBudgetIsNotSpentIfItCanNotBeKept(t *testing.T) {
	b := NewBudget(BudgetConfig{Classes: []Class{{"x", 10}}, Keep: func(string) error { return errors.New("disk full") }})
	if err := b.Take(t.Context(), "x"); !Is(err, Unavailable) || b.Used()["x"] != 0 {
		t.Errorf("%v, used %v", err, b.Used())
	}
}
