package sparkplug

import (
	"math"
	"strings"
	"testing"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors"
)

// shown is a value with its kind, or why there is none.
func shown(v connectors.Value, err error) string {
	if err != nil {
		return err.Error()
	}
	kind := map[connectors.Kind]string{
		connectors.KindBool: "bool", connectors.KindInt: "int", connectors.KindUint: "uint",
		connectors.KindFloat32: "float32", connectors.KindFloat64: "float64", connectors.KindString: "string",
	}[v.Kind()]
	return kind + " " + v.Text()
}

// valueCase is a value on its way and what is made of it as typ.
type valueCase struct {
	typ  DataType
	sent []byte
	want string
}

func (c valueCase) check(t *testing.T) {
	sent := onlyMetric(t, c.sent)
	if got := shown(sent.Value(c.typ)); got != c.want {
		t.Errorf("by the birth certificate: %s, want %s", got, c.want)
	}
	typed := onlyMetric(t, number64(4, uint64(c.typ)), c.sent)
	if got := shown(typed.Value(0)); got != c.want {
		t.Errorf("by its own type: %s, want %s", got, c.want)
	}
	if got := shown(typed.Value(c.typ)); got != c.want {
		t.Errorf("by both: %s, want %s", got, c.want)
	}
}

func TestWholeNumbers(t *testing.T) {
	const noLow = "an Int64, but sent in 32 bits, of which nobody knows whether they are negative"
	for name, c := range map[string]valueCase{
		"Int8 in 32 bits":                     {Int8, number64(10, 0xFFFFFFFE), "int -2"},
		"Int8 in its own 8 bits":              {Int8, number64(10, 0xFE), "int -2"},
		"Int8 as int32 in ten bytes":          {Int8, number64(10, 0xFFFFFFFFFFFFFFFE), "int -2"},
		"Int8 in the long field":              {Int8, number64(11, 0xFFFFFFFFFFFFFFFE), "int -2"},
		"Int8 at its least":                   {Int8, number64(10, 0xFFFFFF80), "int -128"},
		"Int8 at its most":                    {Int8, number64(10, 127), "int 127"},
		"Int8 below its least":                {Int8, number64(10, 0xFFFFFF7F), "a number beyond an Int8"},
		"Int8 too large":                      {Int8, number64(10, 256), "a number beyond an Int8"},
		"Int16 in 32 bits":                    {Int16, number64(10, 0xFFFF8000), "int -32768"},
		"Int16 in its own 16 bits":            {Int16, number64(10, 0x8000), "int -32768"},
		"Int16 too large":                     {Int16, number64(10, 65536), "a number beyond an Int16"},
		"Int32 negative":                      {Int32, number64(10, 0xFFFFFFFE), "int -2"},
		"Int32 at its least":                  {Int32, number64(10, 1<<31), "int -2147483648"},
		"Int32 at its most":                   {Int32, number64(10, math.MaxInt32), "int 2147483647"},
		"Int32 in the long field":             {Int32, number64(11, 0xFFFFFFFE), "int -2"},
		"Int32 in the long field, 64 bits":    {Int32, number64(11, 0xFFFFFFFFFFFFFFFE), "int -2"},
		"Int32 too large":                     {Int32, number64(11, 1<<32), "a number beyond an Int32"},
		"Int64 negative":                      {Int64, number64(11, 0xFFFFFFFFFFFFFFFE), "int -2"},
		"Int64 at its least":                  {Int64, number64(11, 1<<63), "int -9223372036854775808"},
		"Int64 in the int field":              {Int64, number64(10, 5), "int 5"},
		"Int64 in the int field, negative or": {Int64, number64(10, 0xFFFFFFFE), noLow},
		"UInt8":                               {UInt8, number64(10, 255), "uint 255"},
		"UInt8 too large":                     {UInt8, number64(10, 256), "a number beyond a UInt8"},
		"UInt16":                              {UInt16, number64(10, 65535), "uint 65535"},
		"UInt16 that a sender took negative":  {UInt16, number64(10, 0xFFFFFFFE), "a number beyond a UInt16"},
		"UInt32 in the int field":             {UInt32, number64(10, math.MaxUint32), "uint 4294967295"},
		"UInt32 in the long field":            {UInt32, number64(11, math.MaxUint32), "uint 4294967295"},
		"UInt32 in more than its field has":   {UInt32, number64(10, 0xFFFFFFFFFFFFFFFE), "uint 4294967294"},
		"UInt32 too large":                    {UInt32, number64(11, 1<<32), "a number beyond a UInt32"},
		"UInt64 at its most":                  {UInt64, number64(11, math.MaxUint64), "uint 18446744073709551615"},
		"UInt64 in the int field":             {UInt64, number64(10, math.MaxUint32), "uint 4294967295"},
		"DateTime":                            {DateTime, number64(11, 1772449200000), "uint 1772449200000"},
	} {
		t.Run(name, c.check)
	}
}

func TestOtherValues(t *testing.T) {
	for name, c := range map[string]valueCase{
		"Float":                         {Float, single(12, 0.1), "float32 0.1"},
		"Float, not a number":           {Float, single(12, float32(math.NaN())), "float32 NaN"},
		"Float sent as Double":          {Float, double(13, 0.1), "float64 0.1"},
		"Double":                        {Double, double(13, math.Inf(-1)), "float64 -Inf"},
		"Double sent as Float":          {Double, single(12, 0.1), "float32 0.1"},
		"Double sent as whole number":   {Double, number64(11, 3), "a Double, but sent as a whole number"},
		"Boolean":                       {Boolean, number64(14, 1), "bool true"},
		"Boolean false":                 {Boolean, number64(14, 0), "bool false"},
		"Boolean of ten bytes":          {Boolean, number64(14, math.MaxUint64), "bool true"},
		"Boolean sent as whole number":  {Boolean, number64(10, 1), "a Boolean, but sent as a whole number"},
		"Int32 sent as Boolean":         {Int32, number64(14, 1), "an Int32, but sent as true or false"},
		"UInt8 sent as Float":           {UInt8, single(12, 3), "a UInt8, but sent as a floating-point number"},
		"Int32 sent as text":            {Int32, text(15, "3"), "an Int32, but sent as a text"},
		"String":                        {String, text(15, "Größe \x00 ✓"), "string Größe \x00 ✓"},
		"String that is empty":          {String, text(15, ""), "string "},
		"String at the limit":           {String, text(15, strings.Repeat("x", maxText)), "string " + strings.Repeat("x", maxText)},
		"String beyond the limit":       {String, text(15, strings.Repeat("x", maxText+1)), "text longer than 4096 bytes"},
		"Int32 sent as endless text":    {Int32, text(15, strings.Repeat("x", maxText+1)), "an Int32, but sent as a text"},
		"String that is no UTF-8":       {String, text(15, "a\xff"), "text that is not UTF-8"},
		"Text":                          {Text, text(15, "x"), "string x"},
		"UUID":                          {UUID, text(15, "x"), "string x"},
		"UUID sent as bytes":            {UUID, text(16, "x"), "a UUID, but sent as bytes"},
		"Int8 sent as a data set":       {Int8, message(17), "an Int8, but sent as a data set"},
		"Int8 sent as a template":       {Int8, message(18), "an Int8, but sent as a template"},
		"Int8 sent as an extension":     {Int8, message(19), "an Int8, but sent as an extension"},
		"DataSet":                       {DataSet, message(17), "a DataSet is not one value; have the node publish the member that is needed as a metric of its own"},
		"Int8Array":                     {22, text(16, "\x01"), "an Int8Array is not one value; have the node publish the member that is needed as a metric of its own"},
		"a type of tomorrow":            {99, number64(10, 1), "a type 99 is not one value; have the node publish the member that is needed as a metric of its own"},
		"no type":                       {0, number64(10, 1), "neither the message nor a birth certificate says its data type"},
		"no value":                      {Int32, nil, "the message has no value for it"},
		"the last value counts":         {Int32, all(text(15, "x"), number64(10, 1), number64(10, 2)), "int 2"},
		"the last kind of value counts": {Int32, all(number64(10, 1), text(15, "x")), "an Int32, but sent as a text"},
		"a value of another wire type":  {Int32, all(number64(10, 1), text(10, "\x05"), single(10, 9)), "int 1"},
		"a value in a group":            {Int32, group(10, number64(10, 1)), "the message has no value for it"},
		"null":                          {Int32, number64(7, 1), "null: the node has no value"},
		"null with a value":             {Int32, all(number64(10, 1), number64(7, 1)), "null: the node has no value"},
		"null taken back":               {Int32, all(number64(7, 1), number64(10, 1), number64(7, 0)), "int 1"},
	} {
		t.Run(name, c.check)
	}
}

func TestValueOfAnotherType(t *testing.T) {
	m := onlyMetric(t, number64(4, uint64(UInt32)), number64(10, 1))
	const want = "sent as UInt32, but the birth certificate says Int32; a rebirth of the node settles which"
	if got := shown(m.Value(Int32)); got != want {
		t.Errorf("%s, want %s", got, want)
	}
}
