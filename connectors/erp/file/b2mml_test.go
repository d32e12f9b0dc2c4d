package file

import (
	"strings"
	"testing"
	"time"
)

const operations = `<?xml version="1.0" encoding="UTF-8"?>
<SyncOperationsSchedule xmlns="http://www.mesa.org/xml/B2MML-V0600" releaseID="">
 <ApplicationArea><CreationDateTime>2026-11-22T06:00:00Z</CreationDateTime></ApplicationArea>
 <DataArea>
  <Sync><ActionCriteria><ActionExpression actionCode="Replace"/></ActionCriteria></Sync>
  <OperationsSchedule>
   <ID>S-1</ID>
   <HierarchyScope><EquipmentID>Plant 2</EquipmentID><EquipmentElementLevel>Site</EquipmentElementLevel></HierarchyScope>
   <PublishedDate>2026-11-22T06:00:00Z</PublishedDate>
   <OperationsRequest>
    <ID>PO-1</ID><Version>3</Version><Description>first &amp; best</Description><OperationsType>Production</OperationsType>
    <EndTime>2026-11-25T18:00:00+05:00</EndTime><Priority>5</Priority><RequestState>Released</RequestState>
    <SegmentRequirement><ID>10</ID><LatestEndTime>2026-11-24T18:00:00+05:00</LatestEndTime>
     <MaterialRequirement><MaterialDefinitionID>RAW-1</MaterialDefinitionID><MaterialUse>Consumed</MaterialUse><Quantity><QuantityString>9</QuantityString></Quantity></MaterialRequirement>
     <MaterialRequirement><MaterialDefinitionID>P-100</MaterialDefinitionID><MaterialUse>Produced</MaterialUse><Quantity><QuantityString>480.500</QuantityString><DataType>double</DataType><UnitOfMeasure>kg</UnitOfMeasure></Quantity></MaterialRequirement>
    </SegmentRequirement>
    <SegmentRequirement><ID>20</ID>
     <MaterialRequirement><MaterialDefinitionID>P-100</MaterialDefinitionID><MaterialUse>Produced</MaterialUse><Quantity><QuantityString>480.5</QuantityString><UnitOfMeasure>kg</UnitOfMeasure></Quantity></MaterialRequirement>
     <MaterialRequirement><MaterialDefinitionID>P-200</MaterialDefinitionID><MaterialUse OtherValue="ProducedBy">Other</MaterialUse><Quantity><QuantityString>1.234</QuantityString><UnitOfMeasure>kg</UnitOfMeasure></Quantity></MaterialRequirement>
    </SegmentRequirement>
   </OperationsRequest>
   <OperationsRequest><ID>PO-2</ID><RequestState OtherValue="storniert">Other</RequestState>
    <SegmentRequirement><MaterialRequirement><MaterialDefinitionID>P-1</MaterialDefinitionID><MaterialUse>Produced</MaterialUse><Quantity><QuantityString>5</QuantityString></Quantity></MaterialRequirement></SegmentRequirement>
   </OperationsRequest>
   <OperationsRequest><ID>PO-3</ID><OperationsType>Maintenance</OperationsType></OperationsRequest>
   <OperationsRequest><ID>PO-4</ID>
    <SegmentRequirement><MaterialRequirement><MaterialDefinitionID>P-1</MaterialDefinitionID><MaterialUse>Produced</MaterialUse><Quantity><QuantityString>many</QuantityString></Quantity></MaterialRequirement></SegmentRequirement>
   </OperationsRequest>
   <OperationsRequest><ID></ID></OperationsRequest>
  </OperationsSchedule>
 </DataArea>
</SyncOperationsSchedule>`

func TestOperationsSchedule(t *testing.T) {
	for _, bom := range []string{"", "\xef\xbb\xbf"} {
		res := parse(t, Config{Content: Snapshot, Info: []string{"Priority"}}, "s.xml", bom+operations, -1)
		compare(t, tell(res.orders, res.problems), []string{
			"PO-1 open due 2026-11-25T13:00Z | P-100: 480.5 kg P-100 x? | P-200: 1.234 kg P-200 x?",
			"PO-2 cancelled due - | P-1: 5  P-1",
			"! s.xml:25:23 [PO-3/] OperationsRequest PO-3 is for Maintenance",
			"! s.xml:27:155 LOST [PO-4/P-1] OperationsRequest PO-4: QuantityString: \"many\" is no number",
			"! s.xml:29:27 LOST [/] OperationsRequest: it has no key",
		})
		if res.complete || res.rows != 5 {
			t.Errorf("complete %v with %d requests: the last one is not known", res.complete, res.rows)
		}
		o := res.orders[0]
		if o.Location != "Plant 2" || o.Info["Priority"] != "5" || o.Note != "first & best" || o.Revision != "3" || when(o.Ordered) != "2026-11-22T06:00Z" {
			t.Errorf("%+v", o)
		}
	}
}

func TestProductionSchedule(t *testing.T) {
	const content = `<ProductionSchedule xmlns="http://www.wbf.org/xml/B2MML-V0401"><ID>S</ID>
<ProductionRequest><ID>7</ID><EndTime>2026-11-25T18:00:00</EndTime>
<SegmentRequirement><SegmentRequirement>
<MaterialProducedRequirement><MaterialDefinitionID>P-1</MaterialDefinitionID><MaterialLotID>L1</MaterialLotID><Quantity><QuantityString>3</QuantityString><UnitOfMeasure>St</UnitOfMeasure></Quantity></MaterialProducedRequirement>
<MaterialProducedRequirement><MaterialDefinitionID>P-1</MaterialDefinitionID><MaterialLotID>L2</MaterialLotID><Quantity><QuantityString>4</QuantityString><UnitOfMeasure>St</UnitOfMeasure></Quantity></MaterialProducedRequirement>
<MaterialConsumedRequirement><MaterialDefinitionID>R</MaterialDefinitionID><Quantity><QuantityString>4</QuantityString></Quantity></MaterialConsumedRequirement>
</SegmentRequirement></SegmentRequirement></ProductionRequest></ProductionSchedule>`
	zone := time.FixedZone("UTC+5", 5*3600)
	res := parse(t, Config{Content: Snapshot, Zone: zone}, "s.xml", content, 1)
	compare(t, tell(res.orders, res.problems), []string{"7 open due 2026-11-25T13:00Z | P-1/L1: 3 St P-1 x? | P-1/L2: 4 St P-1 x?"})
	if !res.complete {
		t.Error("not complete")
	}
	res = parse(t, Config{Content: Snapshot}, "s.xml", content, 2)
	compare(t, tell(res.orders, res.problems), []string{"! s.xml LOST [/] the count file says 2 requests, there are 1"})
	var utf16 strings.Builder
	utf16.WriteString("\xff\xfe")
	for _, r := range `<?xml version="1.0" encoding="UTF-16"?>` + content {
		utf16.WriteByte(byte(r))
		utf16.WriteByte(byte(r >> 8))
	}
	if res = parse(t, Config{}, "s.xml", utf16.String(), -1); len(res.orders) != 1 {
		t.Errorf("UTF-16: %s", tell(res.orders, res.problems))
	}
	latin := `<?xml version="1.0" encoding="windows-1252"?>` + strings.ReplaceAll(content, "P-1", "P-\xfc")
	if res = parse(t, Config{}, "s.xml", latin, -1); len(res.orders) != 1 || res.orders[0].Lines[0].Product != "P-ü" {
		t.Errorf("windows-1252: %s", tell(res.orders, res.problems))
	}
}

func TestCancelledSchedules(t *testing.T) {
	request := `<OperationsRequest><ID>1</ID><SegmentRequirement><MaterialRequirement><MaterialDefinitionID>P</MaterialDefinitionID><MaterialUse>Produced</MaterialUse><Quantity><QuantityString>5</QuantityString></Quantity></MaterialRequirement></SegmentRequirement></OperationsRequest>`
	cancelled := "1 cancelled due - partial | P: 5  P"
	for _, c := range []struct{ content, want string }{
		{"<CancelOperationsSchedule><DataArea><Cancel/><OperationsSchedule>" + request + "</OperationsSchedule></DataArea></CancelOperationsSchedule>", cancelled},
		{`<ChangeOperationsSchedule><DataArea><Change><ActionCriteria><ActionExpression actionCode="Delete"/></ActionCriteria></Change><OperationsSchedule>` + request + "</OperationsSchedule></DataArea></ChangeOperationsSchedule>", cancelled},
		{`<OperationsSchedule>` + request + "</OperationsSchedule>", strings.Replace(cancelled, "cancelled", "open", 1)},
		{`<ChangeOperationsSchedule><A actionCode="Delete"/><A actionCode="Add"/><OperationsSchedule>` + request + "</OperationsSchedule></ChangeOperationsSchedule>", "! s.xml LOST [/] the file has a Delete together with other actions"},
		{"<OperationsSchedule>" + request, "! s.xml:1:290 LOST [/] the XML ends in the middle"},
		{"<OperationsPerformance/>", "! s.xml LOST [/] the XML is OperationsPerformance"},
		{"<html><body>Login</body></html>", "! s.xml LOST [/] the XML is html"},
		{"<!DOCTYPE a [<!ENTITY x 'y'>]><a>&x;</a>", "! s.xml:1:31 LOST [/] the file has a document type"},
		{"<OperationsSchedule>&lol;</OperationsSchedule>", "! s.xml:1:26 LOST [/] the XML is wrong"},
		{"<OperationsSchedule>" + strings.Repeat("<a>", 100), "! s.xml:1:213 LOST [/] elements are nested deeper"},
		{"<OperationsSchedule><ID>\xff</ID></OperationsSchedule>", "! s.xml:1:26 LOST [/] the XML is wrong: invalid UTF-8"},
		{"<OperationsSchedule/>", ""},
	} {
		res := parse(t, Config{}, "s.xml", c.content, -1)
		var want []string
		if c.want != "" {
			want = []string{c.want}
		}
		compare(t, tell(res.orders, res.problems), want)
	}
}
