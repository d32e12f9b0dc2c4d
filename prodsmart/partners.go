package prodsmart

import (
	"context"
	"net/url"
	"time"
)

// Partner is a supplier or a client.
type Partner struct {
	ID int64
	// Code is unique; Code and Name are needed.
	Code, Name string
	// Number is the tax number.
	Number string
	// Phone and Email are those of a client; a supplier has contacts.
	Phone, Email string
	// Expires is a day. It is shown with day and month in an order that is not
	// documented, so it is zero, with Unread, for days such as 01/02/2026, which may be
	// either; Update needs it then.
	Expires   time.Time
	Contacts  []Contact
	Addresses []Address
	Original  Original
	Unread    []string
}

// Contact is a person of a partner; Phone or Email is needed.
type Contact struct {
	Name, Phone, Email string
	Default            Flag
	Original           Original
}

// Address is a place of a partner. Code, which is unique, Address and Country, in
// two letters, are needed.
type Address struct {
	Code, Name, Address, City, PostCode, State, Country string
	Default                                             Flag
	Original                                            Original
}

func (c *Contact) form(f *form) {
	f.text("name", &c.Name)
	f.text("phone-number", &c.Phone)
	f.text("email", &c.Email)
	f.flag("default", &c.Default)
}

func (c *Contact) original() *Original { return &c.Original }
func (c *Contact) unread([]string)     {}

func (a *Address) form(f *form) {
	f.text("code", &a.Code)
	f.text("name", &a.Name)
	f.text("address", &a.Address)
	f.text("city", &a.City)
	f.text("post-code", &a.PostCode)
	f.text("state", &a.State)
	f.text("country", &a.Country)
	f.flag("default", &a.Default)
}

func (a *Address) original() *Original { return &a.Original }
func (a *Address) unread([]string)     {}

func (p *Partner) form(f *form) {
	f.served(func() { f.id(&p.ID) })
	f.text("code", &p.Code)
	f.text("name", &p.Name)
	f.text("number", &p.Number)
	f.text("phone-number", &p.Phone)
	f.text("email", &p.Email)
	f.expiry("expiration-date", &p.Expires)
	documents(f, "contacts", &p.Contacts)
	documents(f, "addresses", &p.Addresses)
	if f.purpose == toCreate {
		f.drop("id")
	}
}

// expiry is a date that is read in a form with day and month in an unknown order,
// in which it must not be written back.
func (f *form) expiry(name string, p *time.Time) {
	text := f.o.text(name)
	if !slashed(text) {
		f.moment(name, p)
		return
	}
	day, known := slashedDay(text, f.o.notes.zone)
	spelled, _ := f.spelled(name)
	switch {
	case f.purpose == reading && !known:
		f.o.notes.add(name, f.o.fields[spelled], "a day that can be read in two ways")
	case f.purpose == reading:
		*p = day
	case p.IsZero() && !known:
		f.drop(name)
	default:
		f.set(spelled, true, momentJSON(*p), "null")
	}
}

// slashedDay reads a day if it is the same with day and month in both orders, or only
// one of them is a date. It is noon, so that it stays that day if Prodsmart's zone
// is up to eleven hours away.
func slashedDay(text string, zone *time.Location) (time.Time, bool) {
	dayFirst, err1 := time.ParseInLocation("02/01/2006", text, zone)
	monthFirst, err2 := time.ParseInLocation("01/02/2006", text, zone)
	switch {
	case err1 == nil && (err2 != nil || dayFirst.Equal(monthFirst)):
		return dayFirst.Add(12 * time.Hour), true
	case err1 != nil && err2 == nil:
		return monthFirst.Add(12 * time.Hour), true
	}
	return time.Time{}, false
}

// slashed says that a date is written 01/02/2026.
func slashed(text string) bool { return len(text) >= 10 && text[2] == '/' && text[5] == '/' }

func (p *Partner) original() *Original  { return &p.Original }
func (p *Partner) unread(list []string) { p.Unread = list }

// Key is the same for the same partner.
func (p Partner) Key() string { return keyOf(p.ID, p) }

// PartnerQuery asks for suppliers or clients. Its zero value asks for all.
type PartnerQuery struct {
	ID   int64
	Code string
}

func (q PartnerQuery) put(v url.Values) {
	putNumber(v, "id", q.ID)
	putText(v, "code", q.Code)
}

// Fits says whether a partner is what was asked for.
func (q PartnerQuery) Fits(p Partner) bool {
	return (q.ID == 0 || p.ID == q.ID) && (q.Code == "" || p.Code == q.Code)
}

// Partners are the suppliers or the clients. Delete is refused with status 412 if
// something depends on the partner.
type Partners struct {
	Lister[Partner, PartnerQuery]
	ByID[Partner]
	Creator[Partner]
	Deleter
	updater Updater[Partner]
}

// Update replaces a partner that was read by Get. Contacts and addresses that are
// not there any more are removed. The error is ErrNotRead if the partner was read
// otherwise, or expires on a day that could not be read and Expires does not say it.
func (r Partners) Update(ctx context.Context, p Partner) (Partner, error) {
	if !p.Original.whole || p.Expires.IsZero() && p.expiresUnread() {
		return p, notRead("partner", p.ID, p.Code)
	}
	return r.updater.update(ctx, number(p.ID), nil, p)
}

// expiresUnread says that there is a day on which the partner expires, which can be read
// in two ways.
func (p Partner) expiresUnread() bool {
	text := openDocument(p.Original.raw, &notes{}).text("expiration-date")
	_, known := slashedDay(text, time.UTC)
	return slashed(text) && !known
}

// Suppliers gives the suppliers.
func (c *Client) Suppliers() Partners { return c.partners("suppliers") }

// Clients gives the clients: those who order.
func (c *Client) Clients() Partners { return c.partners("clients") }

func (c *Client) partners(name string) Partners {
	d, e := decodeDocument[Partner], encodeDocument[Partner]
	return Partners{lister[Partner, PartnerQuery](c, name+".list", d), ByID[Partner]{getter(c, name+".get", d)},
		creator(c, name+".create", d, e), deleter(c, name+".delete"), updater(c, name+".update", d, e)}
}
