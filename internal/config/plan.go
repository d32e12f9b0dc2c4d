package config

import (
	"fmt"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/mapping"
)

// checkPlan compares what the machines ask for with the budget.
func (l *loader) checkPlan(c *Config) {
	asked := mapping.Number{}
	machines := 0
	for _, m := range c.Machines {
		if m.Report && m.Spec.Count != nil && m.ReportEvery > 0 {
			asked = asked.Add(mapping.Ratio(int64(time.Minute), int64(m.ReportEvery)))
			machines++
		}
	}
	budget := c.Prodsmart.Budget
	if asked.Cmp(budget) <= 0 || budget.Sign() <= 0 {
		return
	}
	age := mapping.Whole(int64(60 * machines)).Div(budget)
	l.warnings.add(Problem{Pos: l.site.budgetAt, Path: "prodsmart.budget", Text: fmt.Sprintf(
		"%d machines ask for %s posts a minute, the budget is %s; every machine will be told about every %s s instead: raise report_every, or accept it",
		machines, ceiling(asked), budget, ceiling(age))})
}

func ceiling(n mapping.Number) mapping.Number {
	floor := n.Floor()
	if floor.Cmp(n) < 0 {
		return floor.Add(mapping.Whole(1))
	}
	return floor
}
