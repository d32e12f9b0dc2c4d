package opcua

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/maphash"
	"testing"

	"github.com/gopcua/opcua/ua"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors"
)

// page is a part of the references of the folder Flat, which has two folders of
// the same content below itself; other nodes have none.
func (p *plc) page(node string, from, most int) *ua.BrowseResult {
	res := &ua.BrowseResult{}
	if node != "" && node == p.closedNode {
		return &ua.BrowseResult{StatusCode: ua.StatusBadUserAccessDenied}
	}
	if node != "Flat" && node != "Flat0" && node != "Flat1" {
		return res
	}
	to := min(p.flat, from+most)
	if to < p.flat {
		if p.points == 2 {
			return &ua.BrowseResult{StatusCode: ua.StatusBadNoContinuationPoints}
		}
		p.points++
		res.ContinuationPoint = binary.LittleEndian.AppendUint32([]byte(node+" "), uint32(to))
	}
	for i := from; i < to; i++ {
		class, name := ua.NodeClassVariable, fmt.Sprintf("%s.v%d", node, i)
		if node == "Flat" && i < 2 {
			class, name = ua.NodeClassObject, fmt.Sprint("Flat", i)
		}
		res.References = append(res.References, &ua.ReferenceDescription{
			ReferenceTypeID: ua.NewTwoByteNodeID(35), NodeClass: class, BrowseName: &ua.QualifiedName{Name: name}, DisplayName: ua.NewLocalizedText(name),
			NodeID: ua.NewExpandedNodeID(ua.NewStringNodeID(1, name), "", 0), TypeDefinition: ua.NewTwoByteExpandedNodeID(0),
		})
	}
	return res
}

// goOn answers with the next pages, or gives continuation points back.
func (p *plc) goOn(req *ua.BrowseNextRequest) ua.Response {
	res := &ua.BrowseNextResponse{ResponseHeader: header(req)}
	for _, point := range req.ContinuationPoints {
		p.points--
		end := len(point) - 4
		r := &ua.BrowseResult{}
		if !req.ReleaseContinuationPoints && p.forgets > 0 {
			p.forgets--
			r = &ua.BrowseResult{StatusCode: ua.StatusBadContinuationPointInvalid}
		} else if !req.ReleaseContinuationPoints {
			r = p.page(string(point[:end-1]), int(binary.LittleEndian.Uint32(point[end:])), walkPage)
		}
		res.Results = append(res.Results, r)
	}
	return res
}

// TestWalkContinuationPoints: a walk needs more of them than the server has, and
// leaves none behind wherever it ends.
func TestWalkContinuationPoints(t *testing.T) {
	p := startPLC(t)
	const flat = 2*walkPage + 10
	p.with(func() { p.flat = flat })
	root := ua.NewStringNodeID(1, "Flat")
	own := errors.New("enough")
	if err := surveyOf(t, dialling(p.addr)).visit(t.Context(), nil, func(s *survey) error {
		for _, most := range []int{1, 2, 3, 5, walkPage + 3, flat + 1, 2 * flat, 1 << 30} {
			w := walker{survey: s, seed: maphash.MakeSeed(), seen: map[uint64]struct{}{}}
			w.walk.Root = "Flat"
			rows := 0
			w.found = func(connectors.Reading) error {
				if rows++; rows == most {
					return own
				}
				return nil
			}
			if err := w.run(t.Context(), root); !errors.Is(err, own) && (err != nil || most < 1<<30) {
				t.Fatalf("the walk ended with %v after %d rows", err, rows)
			}
			if want := min(most, 3*flat); rows != want {
				t.Errorf("%d rows, want %d", rows, want)
			}
			p.with(func() {
				if p.points != 0 {
					t.Errorf("%d continuation points are left after %d rows", p.points, rows)
				}
			})
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}
