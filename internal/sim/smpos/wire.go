package smpos

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// request is the body of every command.
type request struct {
	Req, Login, Psw                             string
	ChainID, SectionID, DeviceID                int64
	PrtID, PvtID                                *int64
	ObjDT, FromDT, ToDT                         *number
	Goods                                       json.RawMessage
	RecCnt                                      *int
	Strict, WithResults, WithSales, WithDetails flag
	ByPrtCloseTime                              flag
	Closed                                      *flag
}

// flag is yes or no; 1 and 0 are too.
type flag bool

// UnmarshalJSON reads true, false, 1 and 0.
func (f *flag) UnmarshalJSON(b []byte) error {
	switch string(b) {
	case "true", "1":
		*f = true
	case "false", "0", "null":
		*f = false
	default:
		return fmt.Errorf("%.20s is neither true nor false", b)
	}
	return nil
}

// number is a whole number that may be quoted.
type number int64

// UnmarshalJSON reads 5 and "5".
func (n *number) UnmarshalJSON(b []byte) error {
	v, err := strconv.ParseInt(strings.Trim(string(b), `"`), 10, 64)
	*n = number(v)
	return err
}

// parse reads a request. Blanks around keys do not count. What is no JSON is
// refused, as the manual's own samples would be.
func parse(body []byte) (request, error) {
	var in request
	var raw map[string]json.RawMessage
	if err := json.Unmarshal(body, &raw); err != nil {
		return in, errors.New("no valid JSON")
	}
	if err := json.Unmarshal(raw["req"], &in.Req); err != nil {
		return in, errors.New("req is missing")
	}
	clean := map[string]json.RawMessage{}
	for k, v := range raw {
		clean[strings.TrimSpace(k)] = v
	}
	text, err := json.Marshal(clean)
	if err != nil {
		return in, err
	}
	return in, json.Unmarshal(text, &in)
}

// Goods is one record of a directory: an article or a folder.
type Goods struct {
	// Code is 1 to 999999.
	Code int64  `json:"code"`
	Name string `json:"name"`
	// BarCode is 0 for none; Price is in hundredths, 0 is free; Qnty is in
	// thousandths.
	BarCode   int64      `json:"barCode"`
	Price     int64      `json:"price"`
	Qnty      int64      `json:"qnty"`
	Div       flag       `json:"div"`
	Tax       int64      `json:"tax"`
	Dep       int64      `json:"dep"`
	Discounts []Discount `json:"discounts,omitempty"`
	AddPrices []AddPrice `json:"addPrices,omitempty"`
	IsFolder  flag       `json:"isFolder,omitempty"`
	IsList    flag       `json:"isList,omitempty"`
	BarCodeEx string     `json:"barCodeEx,omitempty"`
	CertCode  string     `json:"certCode,omitempty"`
	Date1     int64      `json:"date1,omitempty"`
	Date2     int64      `json:"date2,omitempty"`
	TareCode  int64      `json:"tareCode,omitempty"`
	// FolderCode is the folder's that it lies in, 0 for none.
	FolderCode int64 `json:"folderCode,omitempty"`
	Param3     int64 `json:"param3,omitempty"`
	Param4     int64 `json:"param4,omitempty"`
}

// Discount is what a group of customers gets, in hundredths of a percent.
type Discount struct {
	Group int64 `json:"group"`
	Value int64 `json:"value"`
}

// AddPrice is the price from a quantity on.
type AddPrice struct {
	Qnty  int64 `json:"qnty"`
	Price int64 `json:"price"`
}

// overlay puts the fields that raw has over g. Which spelling of a quantity counts
// is an option.
func (o Options) overlay(g Goods, raw json.RawMessage) (Goods, error) {
	before := g.Qnty
	// Lists are read into the memory of the old ones.
	g.Discounts, g.AddPrices = slices.Clone(g.Discounts), slices.Clone(g.AddPrices)
	if err := json.Unmarshal(raw, &g); err != nil {
		return g, err
	}
	var short struct {
		Qty *int64 `json:"qty"`
	}
	if err := json.Unmarshal(raw, &short); err != nil {
		return g, err
	}
	if o.OnlyQty {
		g.Qnty = before
	}
	if short.Qty != nil {
		g.Qnty = *short.Qty
	}
	return g, o.valid(g)
}

// valid holds a record against the manual's bounds.
func (o Options) valid(g Goods) error {
	switch {
	case g.Code < 1 || g.Code > 999999:
		return fmt.Errorf("code %d is not from 1 to 999999", g.Code)
	case g.Name == "" || len([]rune(g.Name)) > 255:
		return fmt.Errorf("goods %d: the name must have 1 to 255 characters", g.Code)
	case g.BarCode < 0 || g.BarCode > 9999999999999999:
		return fmt.Errorf("goods %d: barCode is out of range", g.Code)
	case g.Tax < 1 || g.Tax > 8 || g.Dep < 1 || g.Dep > 16:
		return fmt.Errorf("goods %d: tax must be 1 to 8, dep 1 to 16", g.Code)
	case o.MostQnty > 0 && g.Qnty > o.MostQnty:
		return fmt.Errorf("goods %d: the quantity is too large", g.Code)
	case o.NoNegative && g.Qnty < 0:
		return fmt.Errorf("goods %d: the quantity is below zero", g.Code)
	}
	for i, p := range g.AddPrices {
		if i > 0 && p.Qnty <= g.AddPrices[i-1].Qnty {
			return fmt.Errorf("goods %d: addPrices are not in ascending order", g.Code)
		}
	}
	return nil
}

// spell gives an answer the form that the options, and a fault, ask for.
func (o Options) spell(v any, fault FaultKind) any {
	text, err := json.Marshal(v)
	if err != nil {
		return v
	}
	var plain any
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	if err := d.Decode(&plain); err != nil {
		return v
	}
	return o.respell(plain, fault)
}

func (o Options) respell(v any, fault FaultKind) any {
	switch v := v.(type) {
	case map[string]any:
		out := map[string]any{}
		for k, e := range v {
			if list, ok := e.([]any); ok && fault == WrongTypes {
				e = fmt.Sprintf("%d records", len(list))
			}
			if b, ok := e.(bool); ok && o.DivNumber && (k == "div" || k == "isFolder") {
				e = json.Number(strconv.Itoa(map[bool]int{true: 1}[b]))
			}
			if o.Blanks && (k == "updateDT" || k == "qnty" || k == "withResults") {
				k += " "
			}
			out[k] = o.respell(e, fault)
		}
		return out
	case []any:
		for i := range v {
			v[i] = o.respell(v[i], fault)
		}
	case json.Number:
		if o.Quoted {
			return v.String()
		}
	}
	return v
}
