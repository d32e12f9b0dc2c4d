package reconcile

import (
	"fmt"
	"time"
)

// downtimes compares the downtimes of a machine. The input's listed times are on
// this computer's clock.
func (in *Input) downtimes(terms Terms) []Difference {
	var out []Difference
	told := in.stops()
	pairs, missing, foreign := match(told, in.Downtimes, in.margin(), terms)
	for _, p := range pairs {
		if d, ok := in.pair(p, terms); ok {
			out = append(out, d...)
		}
	}
	for _, s := range missing {
		if d, ok := in.missing(s); ok {
			out = append(out, d)
		}
	}
	for i := range foreign {
		if d, ok := in.foreign(foreign[i], told, terms); ok {
			out = append(out, d)
		}
	}
	return out
}

// settled says that what was at t is in both sides, if it is anywhere.
func (in *Input) settled(t time.Time) bool { return t.Before(in.To.Add(-in.margin())) }

func (in *Input) pair(p pair, terms Terms) ([]Difference, bool) {
	var out []Difference
	s, d := p.told, p.listed
	add := func(kind Kind, at time.Time, cause Cause, confidence Confidence, text string, values ...any) {
		out = append(out, Difference{Kind: kind, Machine: in.Machine, ID: d.ID, At: at, Cause: cause, Confidence: confidence, Text: fmt.Sprintf(text, values...)})
	}
	if d.Type != "" && terms.name(s.kind) != d.Type {
		add(TypeChanged, d.Start, ByHand, Likely, "The downtime of %s was told as %s and is %s in Prodsmart: a person has reclassified it.", in.clock(d.Start), s.kind, d.Type)
		out[0].Usual = true
	}
	if s.known && !s.begin.near(d.Start, in.margin()) {
		cause, who, sure := ByHand, "a person has changed its times, or the clock of this computer was wrong", Likely
		if d.Worker != "" && d.Start.Before(s.begin.first) {
			cause, who, sure = ByWorker, "worker "+d.Worker+" had begun it before", Certain
		}
		add(StartChanged, s.begin.first, cause, sure, "The downtime %s was told to begin at %s and begins at %s in Prodsmart: %s.",
			d.Type, in.clock(s.begin.first), in.clock(d.Start), who)
		out[len(out)-1].Usual = cause == ByWorker
	}
	switch open := d.End.IsZero(); {
	case s.ended && !in.settled(s.end.last), !open && !in.settled(d.End):
	case s.ended && open:
		in.stillOpen(s, d, add)
	case !s.ended && !open:
		cause, who, sure := ByHand, "a person has ended it, or another program", Possible
		if d.Closer != "" {
			cause, who, sure = ByWorker, "worker "+d.Closer+" has ended it", Certain
		}
		add(ClosedThere, d.End, cause, sure, "The downtime %s of %s is over in Prodsmart since %s, and the machine still stands: %s.", d.Type, in.clock(d.Start), in.clock(d.End), who)
	case s.ended && !s.end.near(d.End, in.margin()):
		cause, who, sure := ByHand, "a person has changed its times", Likely
		if d.Closer != "" && d.End.Before(s.end.first) {
			cause, who, sure = ByWorker, "worker "+d.Closer+" had ended it before", Certain
		}
		add(EndChanged, s.end.first, cause, sure, "The downtime %s of %s was told to end at %s and ends at %s in Prodsmart: %s.",
			d.Type, in.clock(d.Start), in.clock(s.end.first), in.clock(d.End), who)
		out[len(out)-1].Usual = cause == ByWorker
	}
	return out, len(out) > 0
}

// stillOpen explains a downtime that was ended and is open.
func (in *Input) stillOpen(s *stop, d *Downtime, add func(Kind, time.Time, Cause, Confidence, string, ...any)) {
	cause, sure, why := OtherWriter, Possible, "Prodsmart did not take the end although it accepted it, or a person has opened it again"
	switch {
	case s.refusedEnd:
		cause, sure, why = WasRefused, Certain, "Prodsmart refused its end"
	case !s.sureEnd:
		cause, sure, why = LostAnswer, Likely, "the request whose answer was lost did not arrive"
	case d.Worker != "":
		cause, sure, why = ByWorker, Likely, "worker "+d.Worker+" began it, and Prodsmart lets only people end it"
	}
	add(StillOpen, s.end.first, cause, sure, "The downtime %s of %s is still open in Prodsmart although its end was told at %s: %s. Somebody has to end it there.",
		d.Type, in.clock(d.Start), in.clock(s.end.first), why)
}

// missing explains a downtime that was told and is not listed.
func (in *Input) missing(s *stop) (Difference, bool) {
	if in.PartDowntimes || !s.known || !in.settled(s.begin.last) || s.begin.first.Before(in.From.Add(in.margin())) {
		return Difference{}, false
	}
	d := Difference{
		Kind: DowntimeMissing, Machine: in.Machine, Subject: s.begin.first.UTC().Format(time.RFC3339Nano), At: s.begin.first,
		Cause: ByHand, Confidence: Likely,
		Text: fmt.Sprintf("The downtime %s that was told at %s is not in Prodsmart: a person has deleted it.", s.kind, in.clock(s.begin.first)),
	}
	if !s.sure {
		d.Cause = LostAnswer
		d.Text = fmt.Sprintf("The downtime %s of %s is not in Prodsmart: the request whose answer was lost did not arrive.", s.kind, in.clock(s.begin.first))
	}
	return d, true
}

// foreign explains a downtime that is listed and was not told.
func (in *Input) foreign(l *Downtime, told []stop, terms Terms) (Difference, bool) {
	if !in.settled(l.Start) || l.Start.Before(in.From.Add(in.margin())) || l.Start.Before(in.PostsFrom.Add(in.margin())) {
		return Difference{}, false
	}
	d := Difference{Kind: DowntimeForeign, Machine: in.Machine, ID: l.ID, At: l.Start, Cause: OtherWriter, Confidence: Possible,
		Text: fmt.Sprintf("The downtime %s of %s in Prodsmart was not told by this gateway: a person has entered it, or another program writes to this machine.", l.Type, in.clock(l.Start))}
	switch {
	case l.Worker != "":
		d.Cause, d.Confidence, d.Usual = ByWorker, Certain, true
		d.Text = fmt.Sprintf("The downtime %s of %s in Prodsmart was begun by worker %s.", l.Type, in.clock(l.Start), l.Worker)
		return d, true
	case in.turnedAway(l, terms):
		d.Cause, d.Confidence = LostAnswer, Likely
		d.Text = fmt.Sprintf("The downtime %s of %s is in Prodsmart although the request for it seemed to fail.", l.Type, in.clock(l.Start))
		return d, true
	}
	for i := range told {
		s := &told[i]
		if !s.known || terms.name(s.kind) != l.Type || !s.begin.near(l.Start, in.margin()) {
			continue
		}
		d.Kind, d.Cause, d.Confidence = DowntimeRepeated, Repeated, Possible
		d.Text = fmt.Sprintf("The downtime %s of %s is in Prodsmart twice: the request reached it twice.", l.Type, in.clock(l.Start))
		if s.begins > 1 {
			d.Confidence = Likely
			d.Text = fmt.Sprintf("The downtime %s of %s is in Prodsmart twice: it was told again after an answer was lost. Delete one there, and set prodsmart.repeat_stop: false.", l.Type, in.clock(l.Start))
		}
	}
	return d, true
}

// turnedAway says that a stop of this type was sent then and was taken as not
// applied.
func (in *Input) turnedAway(l *Downtime, terms Terms) bool {
	for i := range in.Posts {
		p := &in.Posts[i]
		failed := p.outcome() == refused || p.outcome() == notApplied && p.Verdict != "dry-run"
		if !failed || !p.window().near(l.Start, in.spread()) {
			continue
		}
		if kind, running, ok := p.edge(); ok && !running && terms.name(kind) == l.Type {
			return true
		}
	}
	return false
}
