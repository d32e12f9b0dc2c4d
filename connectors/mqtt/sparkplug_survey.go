package mqtt

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors"
	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/mqtt/sparkplug"
)

// catalogue listens to the births of Edge Nodes and calls found for what they
// say, at most for that long.
func (v *Survey) catalogue(ctx context.Context, root string, listen time.Duration, found func([]connectors.Reading) error) (*sparkplug.Catalogue, error) {
	c, err := sparkplug.NewCatalogue(root)
	if err != nil {
		return nil, fmt.Errorf("mqtt: %w", err)
	}
	filters := map[string]byte{}
	for _, topic := range c.Filters() {
		filters[topic] = 0
	}
	var s *session
	var next time.Time
	asked := map[string]bool{"": true}
	ask := func(node string) { // once each, also if the first time was too soon after another
		if now := time.Now(); v.cfg.Rebirth && !asked[node] && !now.Before(next) {
			s.askRebirth(node, now)
			asked[node], next = true, now.Add(askPause)
		}
	}
	granted := func(of visitor, answers map[string]byte) error {
		s = of.session
		ask(c.Node())
		return allowed(of, answers)
	}
	return c, v.visit(ctx, filters, listen, granted, func(a arrival) error {
		if a.Retained() {
			return nil
		}
		list, node, err := c.Message(a.Topic(), a.Payload())
		ask(node)
		if err != nil || len(list) == 0 {
			return err
		}
		return found(list)
	})
}

// askPause is the least time between two requests of a survey.
const askPause = 100 * time.Millisecond

func (v *Survey) browseEdge(ctx context.Context, walk connectors.Walk, found func(connectors.Reading) error) error {
	count := 0
	show := func(list []connectors.Reading) error {
		for _, r := range list {
			if walk.Depth > 0 && r.Depth >= walk.Depth {
				continue
			}
			if walk.Limit > 0 && count == walk.Limit {
				return connectors.ErrMore
			}
			count++
			if !walk.Values {
				r.Sample = connectors.Sample{}
			}
			if err := found(r); err != nil {
				return err
			}
		}
		return nil
	}
	c, err := v.catalogue(ctx, walk.Root, cmp.Or(walk.For, listenFor), show)
	if err != nil {
		return err
	}
	return show(c.Unborn(v.cfg.Rebirth))
}

// aroundEdge gives the metrics of the birth certificate of a tag's source. It
// waits for it at most Config.Timeout.
func (v *Survey) aroundEdge(ctx context.Context, tag connectors.Tag) ([]connectors.Reading, error) {
	tag.Path = cmp.Or(tag.Path, "any") // it is what is looked for
	if err := v.cfg.CheckTag(tag); err != nil {
		return nil, fmt.Errorf("mqtt: %w", err)
	}
	var metrics []connectors.Reading
	c, err := v.catalogue(ctx, tag.Address, v.cfg.Timeout, func(list []connectors.Reading) error {
		if list[0].Name != tag.Address {
			return nil
		}
		metrics = list[1:]
		return errEnough
	})
	switch {
	case err != nil:
		return nil, err
	case metrics == nil && len(c.Unborn(false)) == 0:
		return nil, fmt.Errorf("mqtt: nothing was heard of %s within %v; check how it is spelt, and that the Edge Node runs", tag.Address, v.cfg.Timeout)
	case metrics == nil:
		return nil, fmt.Errorf("mqtt: the birth certificate of %s did not come within %v; trigger Node Control/Rebirth at the Edge Node, or set rebirth: true, and ask again", tag.Address, v.cfg.Timeout)
	}
	return metrics[:min(len(metrics), maxAround)], nil
}

// probeEdge watches the tags as the gateway does, until all have a value, at
// most for Config.Timeout.
func (v *Survey) probeEdge(ctx context.Context, tags []connectors.Tag) ([][]connectors.Reading, error) {
	out := make([][]connectors.Reading, len(tags))
	var good []connectors.Tag
	var at []int
	for i, tag := range tags {
		out[i] = []connectors.Reading{{Tag: tag, Name: tag.Path, Type: "metric"}}
		if err := v.cfg.CheckTag(tag); err != nil {
			out[i][0].Sample.Reason = err.Error()
			continue
		}
		good, at = append(good, tag), append(at, i)
	}
	if len(good) == 0 {
		return out, nil
	}
	c, err := New(v.cfg, good)
	if err != nil {
		return nil, err
	}
	within, enough := context.WithCancel(ctx)
	defer enough()
	var over *time.Timer // begins when the broker can be heard
	defer func() {
		if over != nil {
			over.Stop()
		}
	}()
	missing := len(good)
	err = c.Run(within, func(b connectors.Batch) {
		if b.Link == connectors.LinkUp {
			if over != nil {
				over.Stop()
			}
			over = time.AfterFunc(v.cfg.Timeout, enough)
		}
		for _, s := range b.Samples {
			known := &out[at[s.Tag]][0].Sample
			if known.Quality == connectors.Bad && s.Quality != connectors.Bad {
				missing--
			} else if known.Quality != connectors.Bad && s.Quality == connectors.Bad {
				missing++
			}
			*known = s
			known.Tag = 0
		}
		if missing == 0 {
			enough()
		}
	})
	return out, cmp.Or(err, ctx.Err())
}
