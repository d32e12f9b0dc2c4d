package config

import (
	"fmt"
	"math"
	"slices"
	"time"
)

// checkPlan compares what the machines ask for with the budget.
func (l *loader) checkPlan(c *Config) {
	e := c.Expect()
	if !e.Short() || e.Budget <= 0 {
		return
	}
	age := fmt.Sprintf("every machine will be told about every %d s", whole(slices.Max(e.Ages)))
	if least := slices.Min(e.Ages); whole(least) != whole(slices.Max(e.Ages)) {
		age = fmt.Sprintf("machines will be told about every %d to %d s", whole(least), whole(slices.Max(e.Ages)))
	}
	fits := fmt.Sprintf("%d s for all would fit", whole(e.Fitting))
	if e.Machines > 0 {
		fits += fmt.Sprintf(", or %d machines as they are", e.Machines)
	}
	l.warnings.add(Problem{Pos: l.site.budgetAt, Path: "prodsmart.budget", Text: fmt.Sprintf(
		"%d machines ask for %.0f posts a minute, the budget is %.0f; %s instead: raise report_every (%s), give the machines that matter more freshness, or accept it",
		len(e.Ages), math.Ceil(e.Asked), e.Budget, age, fits)})
}

// whole is a time in seconds, rounded up.
func whole(d time.Duration) int64 { return int64(math.Ceil(math.Round(d.Seconds()*1000) / 1000)) }
