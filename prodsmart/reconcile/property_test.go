package reconcile

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/prodsmart"
)

// histories is the number of random days of a property.
const histories = 200

// TestInStep tells random days to a Prodsmart that keeps its word, with lost
// answers and with another clock: nothing differs.
func TestInStep(t *testing.T) {
	measured, edges, counts := 0, 0, 0
	for seed := range uint64(histories) {
		in := newPlant(seed, float64(seed%3)*0.1).run(12)
		terms := Agree(Terms{}, []Input{in})
		if terms.Measured {
			measured++
		}
		edges, counts = edges+len(in.Downtimes), counts+len(in.Productions)
		if len(in.Downtimes) < 4 {
			continue // not enough to measure the clock by
		}
		if found := Compare(terms, in); len(found) > 0 {
			t.Fatalf("day %d: %+v", seed, found)
		}
	}
	if measured < histories*9/10 || edges < 10*histories || counts < 5*histories {
		t.Errorf("%d clocks measured, %d downtimes, %d productions", measured, edges, counts)
	}
}

// edit is something that a person does in Prodsmart to the list.
type edit struct {
	name string
	do   func(r *rand.Rand, in *Input) (want Kind, id int64)
}

func edits() []edit {
	// A finished downtime that is neither the first nor the last.
	downtime := func(r *rand.Rand, in *Input) *Downtime { return &in.Downtimes[1+r.IntN(len(in.Downtimes)-2)] }
	production := func(r *rand.Rand, in *Input) *Production {
		return &in.Productions[1+r.IntN(len(in.Productions)-2)]
	}
	minutes := func(r *rand.Rand) time.Duration { return time.Duration(3+r.IntN(20)) * time.Minute }
	return []edit{
		{"delete", func(r *rand.Rand, in *Input) (Kind, int64) {
			i := 1 + r.IntN(len(in.Downtimes)-2)
			in.Downtimes = slices.Delete(in.Downtimes, i, i+1)
			return DowntimeMissing, 0
		}},
		{"reclassify", func(r *rand.Rand, in *Input) (Kind, int64) {
			d := downtime(r, in)
			d.Type = "LUNCH"
			return TypeChanged, d.ID
		}},
		{"begin earlier", func(r *rand.Rand, in *Input) (Kind, int64) {
			d := downtime(r, in)
			d.Start = d.Start.Add(-minutes(r))
			return StartChanged, d.ID
		}},
		{"end later", func(r *rand.Rand, in *Input) (Kind, int64) {
			d := downtime(r, in)
			d.End = d.End.Add(minutes(r))
			return EndChanged, d.ID
		}},
		{"open again", func(r *rand.Rand, in *Input) (Kind, int64) {
			d := downtime(r, in)
			d.End = time.Time{}
			return StillOpen, d.ID
		}},
		{"enter by hand", func(r *rand.Rand, in *Input) (Kind, int64) {
			at := in.From.Add(time.Hour + time.Duration(r.IntN(10*3600))*time.Second)
			in.Downtimes = append(in.Downtimes, Downtime{ID: 9999, Type: "LUNCH", Start: at, End: at.Add(minutes(r)), Worker: "7"})
			return DowntimeForeign, 9999
		}},
		{"more pieces", func(r *rand.Rand, in *Input) (Kind, int64) {
			p := production(r, in)
			p.Quantity = added(p.Quantity, prodsmart.NewDecimal(2000+r.Int64N(100)))
			return MorePieces, p.ID
		}},
		{"fewer pieces", func(r *rand.Rand, in *Input) (Kind, int64) {
			p := production(r, in)
			p.Quantity = added(p.Quantity, prodsmart.NewDecimal(-2000-r.Int64N(100)))
			return FewerPieces, p.ID
		}},
		{"more waste", func(r *rand.Rand, in *Input) (Kind, int64) {
			p := production(r, in)
			p.Waste["W"] = added(p.Waste["W"], prodsmart.NewDecimal(500))
			return MoreWaste, p.ID
		}},
		{"lose the state", func(_ *rand.Rand, in *Input) (Kind, int64) {
			in.Told.Count = 1
			return ToldBelow, 0
		}},
	}
}

func added(a, b prodsmart.Decimal) prodsmart.Decimal {
	sum, _ := plus(a, b)
	return sum
}

// TestOneEdit makes one change to a random day that is in step: that one is
// found, and nothing else.
func TestOneEdit(t *testing.T) {
	for _, e := range edits() {
		t.Run(e.name, func(t *testing.T) {
			done := 0
			for seed := range uint64(histories / 2) {
				in := newPlant(seed, float64(seed%2)*0.1).run(12)
				if len(in.Downtimes) < 6 || len(in.Productions) < 4 {
					continue
				}
				done++
				kind, id := e.do(rand.New(rand.NewPCG(seed, 9)), &in)
				found := Compare(Agree(Terms{}, []Input{in}), in)
				if len(found) != 1 || found[0].Kind != kind || found[0].ID != id {
					t.Fatalf("day %d: wanted %s of %d, found %s", seed, kind, id, fmt.Sprintf("%+v", found))
				}
			}
			if done < histories/4 {
				t.Errorf("only %d days", done)
			}
		})
	}
}
