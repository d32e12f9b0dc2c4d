package smpos

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp"
	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp/web"
)

// article is a record of a directory: goods, or a folder.
type article struct {
	name     string
	barcodes []string
	folder   int64
	isFolder bool
	// div says that less than a piece can be sold.
	div bool
}

// deepest is how deep folders may lie in folders; more is a circle.
const deepest = 20

// readDirectory brings the shop's directory up to date if it is old, or fresh is
// asked for.
func (s *Source) readDirectory(ctx context.Context, sh *shop, fresh bool) error {
	now := time.Now()
	rows, notes, same, err := s.list(ctx, sh, &sh.goods, "GETGOODS", "goods", fresh)
	if err != nil {
		return err
	}
	sh.directoryAt = now
	if same {
		return nil
	}
	sh.articles, sh.doubts = map[int64]article{}, notes
	for _, r := range rows.Each() {
		code, err := codeOf(r)
		if err != nil {
			sh.doubts = append(sh.doubts, erp.Problem{Where: "section " + sh.Name + ", " + r.Path(), What: "no code can be read: " + err.Error(), Lost: true})
			continue
		}
		a, err := articleOf(r)
		if _, twice := sh.articles[code]; err == nil && twice {
			err = fmt.Errorf("%s: the code stands twice in the directory", r.Path())
		}
		if err != nil {
			delete(sh.articles, code)
			sh.doubts = append(sh.doubts, erp.Problem{Where: sh.place(code), What: err.Error() + "; the article is not used", Lost: true})
			continue
		}
		sh.articles[code] = a
	}
	return nil
}

// articleOf reads one record of a directory.
func articleOf(r web.Value) (a article, err error) {
	if a.name, err = member(r, "name").Text(); err != nil {
		return a, err
	}
	for _, name := range []string{"barCode", "barCodeEx"} {
		text, err := member(r, name).Text()
		if err != nil {
			return a, err
		}
		if text != "" && text != "0" && !slices.Contains(a.barcodes, text) {
			a.barcodes = append(a.barcodes, text)
		}
	}
	for _, f := range []struct {
		to   *bool
		name string
	}{{&a.isFolder, "isFolder"}, {&a.div, "div"}} {
		answer, err := member(r, f.name).Bool()
		if err != nil {
			return a, err
		}
		*f.to = answer == erp.Yes
	}
	if v := member(r, "folderCode"); !v.Missing() {
		a.folder, err = v.Int()
	}
	return a, err
}

// folders are the codes of the folders that an article lies in, the nearest first.
func (sh *shop) folders(a article) []int64 {
	var out []int64
	for code := a.folder; code != 0 && len(out) < deepest && !slices.Contains(out, code); code = sh.articles[code].folder {
		out = append(out, code)
	}
	return out
}

// counts says whether an article is goods of the configured folders.
func (s *Source) counts(sh *shop, a article) bool {
	if a.isFolder {
		return false
	}
	return len(s.Folders) == 0 || slices.ContainsFunc(sh.folders(a), func(code int64) bool { return slices.Contains(s.Folders, code) })
}

// named is what the article with the code is called over all shops. It is called the
// same where a barcode is the same, whatever the spelling of its name is.
func (s *Source) named(sh *shop, code int64) (name string, a article) {
	a = sh.articles[code]
	for _, other := range s.shops {
		if other == sh {
			break
		}
		b, known := other.articles[code]
		if known && !b.isFolder && slices.ContainsFunc(a.barcodes, func(bar string) bool { return slices.Contains(b.barcodes, bar) }) {
			return b.name, a
		}
	}
	return a.name, a
}

// ready says that there are shops to read.
func (s *Source) ready(doing string) error {
	if len(s.shops) == 0 {
		return &erp.Error{Fault: erp.Misconfigured, Doing: doing, What: "no section is configured", Next: "orders discover lists the sections that the account sees: name those that are to be read"}
	}
	return nil
}

// ReadProducts reads the goods of all shops. Goods that have the same code in
// several shops are one product, if their names or barcodes say so.
func (s *Source) ReadProducts(ctx context.Context, ask erp.Ask) (erp.ProductRead, error) {
	if err := s.ready("read products"); err != nil {
		return erp.ProductRead{}, err
	}
	out := erp.ProductRead{Complete: true}
	first := map[int64]string{}
	for _, sh := range s.shops {
		if err := s.readDirectory(ctx, sh, ask.Full); err != nil {
			return erp.ProductRead{}, err
		}
		out.Problems = append(out.Problems, sh.doubts...)
		for _, code := range sortedCodes(sh.articles) {
			name, a := s.named(sh, code)
			if !s.counts(sh, a) {
				continue
			}
			if other, known := first[code]; known {
				if other != name {
					out.Problems = append(out.Problems, erp.Problem{Where: sh.place(code), What: fmt.Sprintf("it is %q here and %q in another section: they can not be one product, nor one pool", name, other)})
				}
				continue
			}
			first[code] = name
			p := erp.Product{Code: strconv.FormatInt(code, 10), Name: name, Barcodes: a.barcodes, Active: erp.Yes}
			for _, folder := range sh.folders(a) {
				if f := sh.articles[folder]; f.name != "" {
					p.Families = append(p.Families, f.name)
				}
			}
			out.Products = append(out.Products, p)
		}
	}
	out.Complete = !slices.ContainsFunc(out.Problems, func(p erp.Problem) bool { return p.Lost })
	return out, nil
}
