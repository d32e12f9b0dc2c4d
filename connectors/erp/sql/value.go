package sql

import (
	"encoding/hex"
	"fmt"
	"math/big"
	"strconv"
	"strings"
	"time"

	mssql "github.com/microsoft/go-mssqldb"
	"github.com/shopspring/decimal"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp"
)

// longest is the longest text that is believed, in bytes.
const longest = 64 << 10

// number is the kind of a value that the driver gave as a number.
const number = "NUMBER"

// cell is one value of a row.
type cell struct {
	// text is empty where there is nothing. at is set instead of it where the
	// driver gives a time.
	text string
	at   time.Time
	// kind is the type of the column in the database's words; loose says that
	// the number is a binary fraction.
	kind  string
	loose bool
}

// newCell takes over what a driver gave.
func newCell(v any, kind string) cell {
	c := cell{kind: kind}
	switch v := v.(type) {
	case nil:
	case string:
		c.text = v
	case []byte:
		c.text = bytesOf(v, kind)
	case int64:
		c.text, c.kind = strconv.FormatInt(v, 10), number
	case uint64:
		c.text, c.kind = strconv.FormatUint(v, 10), number
	case float32:
		c.text, c.kind, c.loose = strconv.FormatFloat(float64(v), 'f', -1, 32), number, true
	case float64:
		c.text, c.kind, c.loose = strconv.FormatFloat(v, 'f', -1, 64), number, true
	case bool:
		c.text = strconv.FormatBool(v)
	case time.Time:
		c.at = v
	default:
		c.text = fmt.Sprint(v)
	}
	c.text = strings.TrimSpace(c.text)
	c.loose = c.loose || c.text != "" && (kind == "FLOAT4" || kind == "FLOAT8")
	return c
}

// bytesOf is the text of bytes: most drivers give text and numbers that way.
func bytesOf(v []byte, kind string) string {
	switch {
	case kind == "UNIQUEIDENTIFIER" && len(v) == 16:
		var id mssql.UniqueIdentifier
		if id.Scan(v) == nil {
			return id.String()
		}
	case kind == "BIT":
		return new(big.Int).SetBytes(v).String()
	case strings.HasSuffix(kind, "BINARY") || strings.HasSuffix(kind, "BLOB"):
		return hex.EncodeToString(v[:min(len(v), longest/2+1)])
	}
	return string(v)
}

func (c cell) empty() bool { return c.text == "" && c.at.IsZero() }

// words is a text, as it is shown.
func (c cell) words() (string, error) {
	switch {
	case !c.at.IsZero():
		return c.at.Format(time.RFC3339Nano), nil
	case len(c.text) > longest:
		return "", fmt.Errorf("a text of %d bytes, %d are the most", len(c.text), longest)
	}
	return strings.ReplaceAll(strings.ToValidUTF8(c.text, "\ufffd"), "\x00", "\ufffd"), nil
}

// number is an exact number.
func (c cell) number(text erp.Mark) (decimal.Decimal, error) {
	mark := text
	if !textual(c.kind) {
		mark = erp.Point
	}
	return erp.ParseDecimal(c.text, mark)
}

// textual says that a column holds text, in which numbers are written by people.
// SQLite's types are those of each value.
func textual(kind string) bool {
	for _, k := range []string{"CHAR", "TEXT", "STRING", "ENUM", "CLOB"} {
		if strings.Contains(kind, k) {
			return true
		}
	}
	return kind == "" || kind == "BPCHAR" || kind == "NAME"
}

// answer is yes or no in all spellings.
func (c cell) answer() (erp.Answer, error) {
	switch t := strings.ToLower(c.text); t {
	case "":
		return erp.Unsaid, nil
	case "true", "t", "yes", "y", "1", "-1", "on", "x", "ja", "j", "sim", "s", "si", "sí", "oui", "да", "ha", "\x01":
		return erp.Yes, nil
	case "false", "f", "no", "n", "0", "off", "nein", "não", "nao", "non", "нет", "yo'q", "\x00":
		return erp.No, nil
	}
	return erp.Unsaid, fmt.Errorf("%.20q is neither yes nor no", c.text)
}

// instant is the moment of a value; day says that it has no time of day.
func (c cell) instant(zone *time.Location) (at time.Time, day bool, err error) {
	text := strings.TrimSpace(c.text)
	switch {
	case !c.at.IsZero():
		at, day = c.at, c.kind == "DATE"
		if c.kind != "DATETIMEOFFSET" { // the driver names a zone that the column has not
			at = time.Date(at.Year(), at.Month(), at.Day(), at.Hour(), at.Minute(), at.Second(), at.Nanosecond(), zone)
		}
	case strings.Trim(text, "0-: T.") == "":
		return time.Time{}, false, nil
	default:
		if at, day, err = parseTime(text, c.kind, zone); err != nil {
			return at, day, err
		}
	}
	if y := at.Year(); y < 1990 || y > 2199 {
		return time.Time{}, false, fmt.Errorf("the year %d can not be right", y)
	}
	return at, day, nil
}

func parseTime(text, kind string, zone *time.Location) (at time.Time, day bool, err error) {
	if len(text) > 40 {
		return at, false, fmt.Errorf("%.40q is no date: too long", text)
	}
	if kind == "TIMESTAMPTZ" {
		zone = time.UTC // that of the session, where the text names none
	}
	for _, layout := range []string{"2006-01-02", "20060102"} {
		if at, err = time.ParseInLocation(layout, text, zone); err == nil {
			return at, true, nil
		}
	}
	if n, bad := strconv.ParseInt(text, 10, 64); bad == nil {
		switch len(text) {
		case 10:
			return time.Unix(n, 0), false, nil
		case 13:
			return time.UnixMilli(n), false, nil
		}
	}
	iso := strings.Replace(text, " ", "T", 1)
	for _, layout := range []string{"2006-01-02T15:04:05Z07:00", "2006-01-02T15:04:05Z07", "2006-01-02T15:04:05 Z07:00", "2006-01-02T15:04Z07:00", "2006-01-02T15:04:05", "2006-01-02T15:04"} {
		if at, err = time.ParseInLocation(layout, iso, zone); err == nil {
			return at, false, nil
		}
	}
	return time.Time{}, false, fmt.Errorf("%q is no date; it has to be a date or time of the database, or text such as 2026-11-23 or 2026-11-23T07:30:00Z", text)
}

// when is the date of an order. Midnight without more is a day: many systems
// write a day that way.
func (c cell) when(zone *time.Location) (erp.When, error) {
	at, day, err := c.instant(zone)
	if err != nil || at.IsZero() {
		return erp.When{}, err
	}
	local := at.In(zone)
	if h, m, s := local.Clock(); day || h == 0 && m == 0 && s == 0 && local.Nanosecond() == 0 {
		return erp.DayOf(local.Year(), local.Month(), local.Day()), nil
	}
	return erp.Moment(at), nil
}
