package orders

import "time"

// Telling gives the next notice of an entry. Save Changes before it is sent: a
// notice that left is never sent twice.
func (b *Book) Telling(key string, now time.Time) (short, long string, ok bool) {
	e := b.entries[key]
	for e != nil && len(e.Notices) > 0 {
		n := &e.Notices[0]
		if !n.Sent {
			n.Sent = true
			b.touch(e)
			return n.Short, n.Long, true
		}
		b.say(now, e, true, "it is not known whether this notice arrived, and it is not sent twice: %s", n.Short)
		e.Notices = e.Notices[1:]
		b.touch(e)
	}
	return "", "", false
}

// Told reports what became of a notice. again says that it certainly did not
// leave and is to be sent again; why is empty if it arrived.
func (b *Book) Told(key string, again bool, why string, now time.Time) {
	e := b.entries[key]
	if e == nil || len(e.Notices) == 0 {
		return
	}
	b.touch(e)
	if again {
		e.Notices[0].Sent = false
		return
	}
	if why == "" {
		b.say(now, e, false, "told the people at the order: %s", e.Notices[0].Short)
	} else {
		b.say(now, e, true, "the people at the order may not have been told (%s): %s", oneLine(why, 200), e.Notices[0].Short)
	}
	e.Notices = e.Notices[1:]
}
