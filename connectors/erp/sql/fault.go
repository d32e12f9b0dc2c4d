package sql

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"strings"

	"github.com/go-sql-driver/mysql"
	"github.com/jackc/pgx/v5/pgconn"
	mssql "github.com/microsoft/go-mssqldb"
	"modernc.org/sqlite"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp"
)

// trouble says what an error of a driver means, and what to do.
func (c Config) trouble(doing, view string, err error) *erp.Error {
	var known *erp.Error
	if errors.As(err, &known) {
		return known
	}
	e := &erp.Error{Fault: erp.Unavailable, Doing: doing, What: c.clean(err.Error()), Err: err}
	var pg *pgconn.PgError
	var my *mysql.MySQLError
	var ms mssql.Error
	var lite *sqlite.Error
	what := verdict("")
	switch {
	case errors.As(err, &pg):
		what = postgresVerdict(pg.Code)
	case errors.As(err, &my):
		what = mysqlVerdict(my.Number)
	case errors.As(err, &ms):
		what = sqlServerVerdict(ms.Number)
	case errors.As(err, &lite):
		what = sqliteVerdict(lite)
	case errors.Is(err, context.DeadlineExceeded):
		what, e.What = late, "it was not done in time"
	default:
		what = transportVerdict(err)
	}
	c.advise(e, what, view)
	return e
}

// clean takes the password out of a text, and bounds it.
func (c Config) clean(text string) string {
	if len(c.Password) > 3 {
		text = strings.ReplaceAll(text, c.Password, "***")
	}
	return shorten(text, 300)
}

// verdict is what a server's error means.
type verdict string

const (
	login    verdict = "login"
	database verdict = "database"
	missing  verdict = "view"
	columns  verdict = "column"
	rights   verdict = "rights"
	late     verdict = "late"
	crypt    verdict = "tls"
	written  verdict = "statement"
	encoding verdict = "data"
	busy     verdict = ""
)

func (c Config) advise(e *erp.Error, what verdict, view string) {
	name := view
	if name == "" {
		name = "the query"
	}
	switch what {
	case login:
		e.Fault, e.Next = erp.Denied, "check user and password, and that the server lets this user in from this computer"
	case database:
		e.Fault, e.Next = erp.Misconfigured, fmt.Sprintf("check database: %q is not there, is no database, or this user may not connect to it", c.Database)
	case missing:
		e.Fault, e.Next = erp.Misconfigured, fmt.Sprintf("check the name of %s, with its schema (schema.view), or create it", name)
		if g := c.grant(view); g != "" {
			e.Next += "; if it is there, its owner has to run: " + g
		}
	case columns:
		e.Fault, e.Next = erp.Misconfigured, fmt.Sprintf("%s refers to a column that is not there any more; repair it in the database", name)
	case rights:
		e.Fault, e.Next = erp.Denied, "the owner has to run: "+c.grant(view)
		if schema, _, ok := strings.Cut(view, "."); ok && c.Dialect == PostgreSQL {
			e.Next += "; and: GRANT USAGE ON SCHEMA " + c.quote(schema) + " TO " + c.quote(c.User)
		}
	case late:
		e.Next = fmt.Sprintf("the bound is %s; make the view faster (an index), or raise timeout", c.Timeout)
	case crypt:
		e.Fault, e.Next = erp.Misconfigured, "check tls: with verify name the file of the company's certificate under ca, and the name in the server's certificate under server_name; unverified encrypts without checking, off does not encrypt"
	case written:
		e.Fault, e.Next = erp.Misconfigured, "try "+name+" by hand on the server and repair it"
	case encoding:
		e.Fault, e.Next = erp.Garbled, name+" can not be computed for some row; repair the row or the view"
	}
}

func postgresVerdict(code string) verdict {
	switch code {
	case "28P01", "28000":
		return login
	case "3D000":
		return database
	case "42P01", "3F000":
		return missing
	case "42703":
		return columns
	case "42501":
		return rights
	case "57014":
		return late
	}
	switch {
	case strings.HasPrefix(code, "42"), strings.HasPrefix(code, "0A"), code == "25006":
		return written
	case strings.HasPrefix(code, "22"):
		return encoding
	}
	return busy
}

func mysqlVerdict(number uint16) verdict {
	switch number {
	case 1045, 1130, 1698, 1251, 2049, 1862:
		return login
	case 1044, 1049:
		return database
	case 1146, 1051:
		return missing
	case 1054, 1356:
		return columns
	case 1142, 1143, 1370:
		return rights
	case 1969, 3024, 1205:
		return late
	case 1064, 1060, 1248, 1792:
		return written
	case 1292, 1365, 1366, 1690:
		return encoding
	}
	return busy
}

func sqlServerVerdict(number int32) verdict {
	switch number {
	case 18456, 18452, 18470, 18486, 18487, 18488:
		return login
	case 4060, 911, 916:
		return database
	case 208:
		return missing
	case 207, 4413, 4502:
		return columns
	case 229, 230:
		return rights
	case 1222:
		return late
	case 102, 156, 1033, 8155, 8156:
		return written
	case 241, 242, 245, 8114, 8115, 8134:
		return encoding
	}
	return busy
}

func sqliteVerdict(err *sqlite.Error) verdict {
	text := err.Error()
	switch err.Code() & 0xff {
	case 14, 26, 8, 11: // can not open, not a database, read only, malformed
		return database
	case 9:
		return late
	case 1:
		switch {
		case strings.Contains(text, "no such table"):
			return missing
		case strings.Contains(text, "no such column"):
			return columns
		}
		return written
	}
	return busy
}

// transportVerdict is of errors that no server gave.
func transportVerdict(err error) verdict {
	var unknown x509.UnknownAuthorityError
	var name x509.HostnameError
	var invalid x509.CertificateInvalidError
	text := strings.ToLower(err.Error())
	switch {
	case errors.As(err, &unknown), errors.As(err, &name), errors.As(err, &invalid):
		return crypt
	case errors.Is(err, mysql.ErrNoTLS), strings.Contains(text, "refused tls"), strings.Contains(text, "server does not support encryption"), strings.Contains(text, "x509:"), strings.Contains(text, "tls: "):
		return crypt
	}
	var op *net.OpError
	var dns *net.DNSError
	if errors.As(err, &op) || errors.As(err, &dns) {
		return busy
	}
	if strings.Contains(text, "certificate") {
		return crypt
	}
	return busy
}

// shorten makes text from outside fit for one line of a message.
func shorten(text string, most int) string {
	text = strings.Join(strings.FieldsFunc(strings.ToValidUTF8(text, "\ufffd"), func(r rune) bool {
		return r <= ' ' || r >= 0x7f && r < 0xa0 || r == '\u2028' || r == '\u2029'
	}), " ")
	if runes := []rune(text); len(runes) > most {
		text = string(runes[:most]) + "..."
	}
	return text
}
