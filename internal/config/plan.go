package config

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/mapping"
)

// maxBudget is the budget that can be advised where nobody else spends from the
// company's 120 requests a minute. Requests do not arrive as evenly as they leave,
// so a budget of all 120 meets refusals now and then.
const maxBudget = 110

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
		fits += fmt.Sprintf(", or %d of the machines as they are", e.Machines)
	}
	more := ""
	if all := float64(c.Prodsmart.Budget.Int64()); c.Prodsmart.Share.Cmp(mapping.Whole(1)) < 0 && e.Asked <= all {
		more = fmt.Sprintf("raise the share (%.0f %% would fit, if the company's other programs can do with the rest), ", math.Ceil(e.Asked/all*100))
	}
	if most := mapping.Whole(maxBudget); c.Prodsmart.Budget.Cmp(most) < 0 {
		more += fmt.Sprintf("raise the budget (up to %s, if no other integration of the company needs any of them), ", most)
	}
	l.warnings.add(Problem{Pos: l.site.budgetAt, Path: "prodsmart.budget", Text: fmt.Sprintf(
		"%d machines ask for %.0f requests a minute, %s is %.0f; %s instead: raise report_every (%s), give the machines that matter more freshness, %sor accept it",
		len(e.Ages), math.Ceil(e.Asked), c.Prodsmart.budgetName(), e.Budget, age, fits, more)})
}

// budgetName is how the number of requests of this gateway came about.
func (p *Prodsmart) budgetName() string {
	if p.Share.Cmp(mapping.Whole(1)) == 0 {
		return "the budget"
	}
	return fmt.Sprintf("a share of %s of the budget of %s", p.Share, p.Budget)
}

// whole is a time in seconds, rounded up.
func whole(d time.Duration) int64 { return int64(math.Ceil(math.Round(d.Seconds()*1000) / 1000)) }

// checkBacklog warns of machines whose backlog can not be held, because nobody
// says when their order changes.
func (l *loader) checkBacklog(c *Config) {
	if c.Prodsmart.Backlog != "hold" {
		return
	}
	var without []*Machine
	counted := 0
	for i := range c.Machines {
		if m := &c.Machines[i]; m.Report && m.Spec.Count != nil {
			counted++
			if m.Spec.Order == nil {
				without = append(without, m)
			}
		}
	}
	if len(without) == counted && counted > 0 {
		l.warnings.add(Problem{Pos: l.site.backlogAt, Path: "prodsmart.backlog",
			Text: "no machine has a tag that names its order, so nothing is ever held; give machines " + quote("order") + ", or write post"})
		return
	}
	const shown = 5
	var names []string
	for _, m := range without[:min(shown, len(without))] {
		names = append(names, printable(m.Spec.Code))
	}
	if more := len(without) - shown; more > 0 {
		names = append(names, fmt.Sprintf("%d more", more))
	}
	if len(names) > 0 {
		l.warnings.add(Problem{Pos: l.site.backlogAt, Path: "prodsmart.backlog", Text: fmt.Sprintf(
			"%d of %d machines have no tag that names their order, so their backlog is told and not held: %s; give them %s, such as order: {tag: ADDRESS}",
			len(without), counted, strings.Join(names, ", "), quote("order"))})
	}
}
