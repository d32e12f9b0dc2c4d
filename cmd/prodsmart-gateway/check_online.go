package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors"
	"github.com/prodsmart-gateway/prodsmart-gateway/internal/config"
	"github.com/prodsmart-gateway/prodsmart-gateway/mapping"
)

// onlineAtOnce bounds the connections that are asked at the same time.
const onlineAtOnce = 8

// onlineReport is what the devices of a configuration say.
type onlineReport struct {
	OK          bool               `json:"ok"`
	Connections []onlineConnection `json:"connections"`
}

// onlineConnection is what one connection says.
type onlineConnection struct {
	Name string `json:"name"`
	Kind string `json:"kind"`
	// Problem is why nothing could be asked; empty if all went well.
	Problem string       `json:"problem,omitempty"`
	Facts   []onlineFact `json:"facts"`
	// Read and Tags are how many tags can be read, and how many there are.
	Read int         `json:"read"`
	Tags int         `json:"tags"`
	Bad  []onlineTag `json:"bad"`
	// NotAsked are those for which the time was too short.
	NotAsked []onlineTag `json:"not_asked,omitempty"`
}

type onlineFact struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// onlineTag is a tag that can not be read, or was not asked and has no reason.
type onlineTag struct {
	Machines []string `json:"machines"`
	Tag      string   `json:"tag"`
	Path     string   `json:"path,omitempty"`
	Reason   string   `json:"reason,omitempty"`
	Next     string   `json:"next,omitempty"`
}

// online asks every device of a configuration what it is and reads every tag
// once. Each connection has the given time; patient says that a person chose
// it, and wants to wait as long for what comes by itself.
func online(ctx context.Context, cfg *config.Config, each time.Duration, patient bool) onlineReport {
	specs := make([]*mapping.Spec, len(cfg.Machines))
	for i := range cfg.Machines {
		specs[i] = &cfg.Machines[i].Spec
	}
	users := usersOf(specs)
	feeds := mapping.Feeds(specs)
	r := onlineReport{OK: true, Connections: make([]onlineConnection, len(feeds))}
	var work sync.WaitGroup
	free := make(chan struct{}, onlineAtOnce)
	for i, f := range feeds {
		at := slices.IndexFunc(cfg.Connections, func(c config.Connection) bool { return c.Name == f.Connection })
		if at < 0 {
			continue
		}
		work.Go(func() {
			free <- struct{}{}
			defer func() { <-free }()
			a := asking{connection: cfg.Connections[at], tags: f.Tags, users: users, each: each}
			if patient {
				a.patience = each * 3 / 4
			}
			r.Connections[i] = a.ask(ctx)
		})
	}
	work.Wait()
	for _, c := range r.Connections {
		r.OK = r.OK && c.Problem == "" && len(c.Bad)+len(c.NotAsked) == 0
	}
	return r
}

// usersOf finds the machines of each signal.
func usersOf(specs []*mapping.Spec) map[mapping.Signal][]string {
	users := map[mapping.Signal][]string{}
	for _, spec := range specs {
		for _, s := range spec.Signals {
			users[s] = append(users[s], spec.Code)
		}
	}
	return users
}

// asking is one connection that is asked.
type asking struct {
	connection config.Connection
	tags       []connectors.Tag
	users      map[mapping.Signal][]string
	// each bounds it all, patience the wait for what comes by itself; 0 is the
	// configured wait.
	each, patience time.Duration
}

func (a asking) ask(ctx context.Context) onlineConnection {
	o := onlineConnection{Name: a.connection.Name, Kind: a.connection.Kind, Tags: len(a.tags), Facts: []onlineFact{}, Bad: []onlineTag{}}
	s, err := surveyed(a.connection, a.patience)
	if err != nil {
		o.Problem = err.Error()
		return o
	}
	ctx, cancel := context.WithTimeout(ctx, a.each)
	defer cancel()
	began := time.Now()
	facts, err := s.Examine(ctx, a.tags)
	for _, f := range facts {
		o.Facts = append(o.Facts, onlineFact(f))
	}
	if err = unfinished(ctx, err, a.each); err != nil {
		o.Problem = err.Error()
		if ctx.Err() != nil || !severalUnits(o.Kind, a.tags) {
			return o
		}
	}
	a.judge(&o, readPortions(ctx, s, o.Kind, a.tags))
	switch asked := len(a.tags) - len(o.NotAsked); {
	case len(o.NotAsked) == 0:
	case ctx.Err() != nil && !errors.Is(ctx.Err(), context.DeadlineExceeded):
		o.Problem = fmt.Sprintf("stopped; %d of %d tags were not asked", len(o.NotAsked), len(a.tags))
	case asked == 0:
		o.Problem = fmt.Sprintf("no tag was read within %v; --timeout allows more", a.each)
	default:
		more := time.Since(began).Seconds() * float64(len(a.tags)) / float64(asked) * 1.2
		o.Problem = fmt.Sprintf("%d of %d tags were not asked within %v; give about --timeout %.0fs", len(o.NotAsked), len(a.tags), a.each, more+1)
	}
	return o
}

// judge sorts the tags into those that can be read, can not, and were not asked.
func (a asking) judge(o *onlineConnection, readings [][]connectors.Reading) {
	for i, tag := range a.tags {
		t := onlineTag{Machines: a.users[mapping.Signal{Connection: o.Name, Tag: tag}], Tag: tag.Address, Path: tag.Path}
		switch of := readings[i]; {
		case len(of) == 0:
			o.NotAsked = append(o.NotAsked, t)
		case of[0].Sample.Quality != connectors.Bad:
			o.Read++
		default:
			t.Reason, t.Next = of[0].Sample.Reason, nextStep(a.connection, tag)
			if of[0].Note != "" {
				t.Reason += "; " + of[0].Note
			}
			o.Bad = append(o.Bad, t)
		}
	}
}

// nextStep says what a person can do about a tag that can not be read.
func nextStep(c config.Connection, tag connectors.Tag) string {
	switch c.Kind {
	case config.KindModbus:
		return fmt.Sprintf("compare unit, area and number with the device's manual; what is near it: probe %s %s --shows VALUE", c.Name, tag.Address)
	case config.KindMQTT:
		return fmt.Sprintf("see what arrives: browse %s --for 1m; a device that sends rarely may only need more time: --timeout", c.Name)
	}
	return fmt.Sprintf("look the node up on the server: browse %s; compare its rights for the gateway's user", c.Name)
}

// verdict makes the command fail if something can not be read; the report has
// said what.
func (r onlineReport) verdict() error {
	if r.OK {
		return nil
	}
	return reported{errors.New("some of the devices or tags can not be read")}
}

func (r onlineReport) print(w io.Writer) error {
	for _, c := range r.Connections {
		if err := printed(w, "\nonline     %-16s %-7s %d of %d tags can be read\n", c.Name, c.Kind, c.Read, c.Tags); err != nil {
			return err
		}
		for _, f := range c.Facts {
			if err := printed(w, "  %-28s %s\n", visible(f.Name), visible(f.Value)); err != nil {
				return err
			}
		}
		if c.Problem != "" {
			if err := printed(w, "  problem: %s\n", visible(c.Problem)); err != nil {
				return err
			}
		}
		if err := c.printTags(w); err != nil {
			return err
		}
	}
	return nil
}

// onlineMost is how many tags of a connection are printed; JSON has all.
const onlineMost = 50

// printTags names the tags that can not be read, and the machines whose tags
// were not asked.
func (c onlineConnection) printTags(w io.Writer) error {
	for _, b := range c.Bad[:min(onlineMost, len(c.Bad))] {
		tag := b.Tag
		if b.Path != "" {
			tag += " " + b.Path
		}
		if err := printed(w, "  machine %s, tag %s: %s\n    next: %s\n", strings.Join(b.Machines, ", "), visible(tag), visible(b.Reason), b.Next); err != nil {
			return err
		}
	}
	if more := len(c.Bad) - onlineMost; more > 0 {
		if err := printed(w, "  and %d more that can not be read; --json names all\n", more); err != nil {
			return err
		}
	}
	if len(c.NotAsked) == 0 {
		return nil
	}
	counts, order := map[string]int{}, []string{}
	for _, t := range c.NotAsked {
		for _, m := range t.Machines {
			if counts[m]++; counts[m] == 1 {
				order = append(order, m)
			}
		}
	}
	var texts []string
	for _, m := range order[:min(onlineMost, len(order))] {
		texts = append(texts, fmt.Sprintf("%s (%d)", m, counts[m]))
	}
	if more := len(order) - onlineMost; more > 0 {
		texts = append(texts, fmt.Sprintf("and %d more machines; --json names all", more))
	}
	return printed(w, "  not asked, with the number of tags: %s\n", strings.Join(texts, ", "))
}
