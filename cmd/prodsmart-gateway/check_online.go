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
}

type onlineFact struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// onlineTag is a tag that can not be read.
type onlineTag struct {
	Machines []string `json:"machines"`
	Tag      string   `json:"tag"`
	Path     string   `json:"path,omitempty"`
	Reason   string   `json:"reason"`
	Next     string   `json:"next"`
}

// online asks every device of a configuration what it is and reads every tag
// once. Each connection has the given time.
func online(ctx context.Context, cfg *config.Config, each time.Duration) onlineReport {
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
			ctx, cancel := context.WithTimeout(ctx, each)
			defer cancel()
			r.Connections[i] = askConnection(ctx, cfg.Connections[at], cfg, f.Tags, users)
		})
	}
	work.Wait()
	for _, c := range r.Connections {
		r.OK = r.OK && c.Problem == "" && len(c.Bad) == 0
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

func askConnection(ctx context.Context, c config.Connection, cfg *config.Config, tags []connectors.Tag, users map[mapping.Signal][]string) onlineConnection {
	o := onlineConnection{Name: c.Name, Kind: c.Kind, Tags: len(tags), Facts: []onlineFact{}, Bad: []onlineTag{}}
	s, err := surveyed(c, cfg)
	if err != nil {
		o.Problem = err.Error()
		return o
	}
	facts, err := s.Examine(ctx, tags)
	for _, f := range facts {
		o.Facts = append(o.Facts, onlineFact(f))
	}
	if err != nil {
		o.Problem = err.Error()
		return o
	}
	readings, err := s.Probe(ctx, tags)
	if err != nil {
		o.Problem = err.Error()
		return o
	}
	for i, tag := range tags {
		reason := "no answer"
		if i < len(readings) && len(readings[i]) > 0 {
			first := readings[i][0].Sample
			if first.Quality != connectors.Bad {
				o.Read++
				continue
			}
			reason = first.Reason
		}
		o.Bad = append(o.Bad, onlineTag{Machines: users[mapping.Signal{Connection: c.Name, Tag: tag}],
			Tag: tag.Address, Path: tag.Path, Reason: reason, Next: nextStep(c, tag)})
	}
	return o
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
		for _, b := range c.Bad {
			tag := b.Tag
			if b.Path != "" {
				tag += " " + b.Path
			}
			if err := printed(w, "  machine %s, tag %s: %s\n    next: %s\n", strings.Join(b.Machines, ", "), visible(tag), visible(b.Reason), b.Next); err != nil {
				return err
			}
		}
	}
	return nil
}
