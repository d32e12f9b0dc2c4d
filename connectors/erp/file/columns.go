package file

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// meaning is something that a column can be, with the names that columns like
// that usually have, the likeliest first.
type meaning struct {
	key   string
	names []string
}

// meanings are all that a column can be, in the order in which they are told.
func meanings() []meaning {
	return []meaning{
		{"order", []string{"order", "order_id", "order no", "order number", "sales order", "document", "document no", "doc no", "so", "auftrag", "auftragsnummer", "auftragsnr", "auftrag nr", "bestellung", "bestellnummer", "belegnummer", "encomenda", "pedido", "numero encomenda", "nº encomenda", "commande", "заказ", "номер заказа", "№ заказа", "документ", "buyurtma"}},
		{"line", []string{"line", "line_id", "line no", "position", "pos", "pos nr", "posnr", "linha", "linea", "ligne", "строка", "номер строки", "позиция", "qator"}},
		{"number", []string{"number", "invoice", "invoice number", "display number", "номер"}},
		{"company", []string{"company", "filial", "branch", "mandant", "firma", "empresa", "организация", "филиал"}},
		{"product", []string{"product", "product code", "article", "article no", "sku", "material", "item code", "part", "part no", "part number", "artikel", "artikelnummer", "artikelnr", "artikel nr", "produkt", "produto", "codigo produto", "código produto", "artigo", "referencia", "articulo", "артикул", "товар", "код товара", "номенклатура", "mahsulot"}},
		{"product_name", []string{"product name", "article name", "description", "material description", "bezeichnung", "artikelbezeichnung", "beschreibung", "designacao", "designação", "descrição", "descricao", "наименование", "название", "наименование товара", "nomi"}},
		{"quantity", []string{"quantity", "qty", "order qty", "order quantity", "quantity ordered", "menge", "anzahl", "bestellmenge", "quantidade", "qtd", "qtde", "cantidad", "quantite", "quantité", "количество", "кол-во", "miqdor"}},
		{"unit", []string{"unit", "uom", "unit of measure", "einheit", "me", "mengeneinheit", "unidade", "un", "unidad", "единица", "ед", "ед изм", "единица измерения", "birlik"}},
		{"factor", []string{"factor", "unit factor", "conversion", "per unit", "umrechnung", "faktor", "fator", "коэффициент"}},
		{"due", []string{"due", "due date", "delivery date", "delivery", "required date", "requested date", "ship date", "liefertermin", "lieferdatum", "termin", "wunschtermin", "data entrega", "data de entrega", "entrega", "fecha entrega", "дата отгрузки", "дата доставки", "срок", "muddat"}},
		{"ordered", []string{"order date", "ordered at", "created", "created at", "date", "auftragsdatum", "bestelldatum", "datum", "data", "data encomenda", "fecha", "дата", "дата заказа", "sana"}},
		{"state", []string{"state", "status", "order status", "auftragsstatus", "estado", "situacao", "статус", "состояние", "holat"}},
		{"customer", []string{"customer code", "customer no", "customer id", "client code", "kundennummer", "kundennr", "kunden nr", "codigo cliente", "код клиента", "customer", "client", "kunde", "cliente", "клиент", "mijoz"}},
		{"customer_name", []string{"customer name", "client name", "kundenname", "nome cliente", "nome do cliente", "имя клиента", "наименование клиента", "контрагент"}},
		{"note", []string{"note", "notes", "comment", "remark", "remarks", "bemerkung", "notiz", "observacoes", "observações", "obs", "nota", "примечание", "комментарий", "izoh"}},
		{"line_note", []string{"line note", "line comment", "positionstext", "line remark"}},
		{"location", []string{"location", "site", "plant", "warehouse", "werk", "standort", "lager", "local", "armazem", "armazém", "склад", "ombor"}},
		{"price", []string{"price", "unit price", "preis", "einzelpreis", "preco", "preço", "precio", "цена", "narx"}},
		{"currency", []string{"currency", "wahrung", "währung", "moeda", "moneda", "валюта", "valyuta"}},
		{"manufactured", []string{"manufactured", "make", "make or buy", "produced here", "eigenfertigung", "fabricado"}},
		{"groups", []string{"group", "groups", "family", "product group", "product family", "category", "warengruppe", "artikelgruppe", "familia", "família", "группа", "категория"}},
		{"free", []string{"free", "gift", "gratis", "бонус", "подарок"}},
		{"return", []string{"return", "returned", "retoure", "devolucao", "devolução", "возврат"}},
		{"revision", []string{"revision", "version", "rev"}},
	}
}

// Meanings are the keys that Config.Columns may have.
func Meanings() []string {
	var out []string
	for _, m := range meanings() {
		out = append(out, m.key)
	}
	return out
}

// plain is a name for comparing: letters and digits only, small.
func plain(name string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) || r == '№' || r == '#' {
			return unicode.ToLower(r)
		}
		return -1
	}, name)
}

// dictionary knows names of columns.
type dictionary struct {
	// set are the configured names by meaning, known the built-in ones.
	set   map[string][]string
	known map[string]likely
	info  []string
	skip  map[string]bool
}

// likely is what a column with a name is likely to be; a lower rank is likelier.
type likely struct {
	key  string
	rank int
}

func newDictionary(c Config) (dictionary, error) {
	d := dictionary{set: map[string][]string{}, known: map[string]likely{}, info: c.Info, skip: map[string]bool{}}
	for _, m := range meanings() {
		for rank, n := range append(m.names, m.key) {
			if _, taken := d.known[plain(n)]; !taken {
				d.known[plain(n)] = likely{m.key, rank}
			}
		}
	}
	owner := map[string]string{}
	for _, key := range slices.Sorted(maps.Keys(c.Columns)) {
		if !slices.Contains(Meanings(), key) {
			return d, fmt.Errorf("columns: %q is nothing that a column can be; these are: %s", key, strings.Join(Meanings(), ", "))
		}
		for _, name := range c.Columns[key] {
			p := plain(name)
			if other := owner[p]; p == "" || other != "" && other != key {
				return d, fmt.Errorf("columns: %q under %s is empty, or also stands under %s", name, key, other)
			}
			owner[p] = key
			d.set[key] = append(d.set[key], p)
		}
	}
	for _, name := range c.Ignore {
		d.skip[plain(name)] = true
	}
	return d, nil
}

// header is what the columns of one file are.
type header struct {
	// at is the column with a meaning.
	at map[string]int
	// info are columns with further facts, by index.
	info map[int]string
	// unknown are names of columns that mean nothing.
	unknown []string
	// width is how many columns there are.
	width int
	cells []cell
}

// columnsOf gives the columns with a name or number, by what the plant set.
func columnsOf(cells []cell, name string) (found []int) {
	for i, c := range cells {
		if p := plain(c.text); p == name || name == "#"+strconv.Itoa(i+1) {
			found = append(found, i)
		}
	}
	return found
}

// read finds out what the columns of a header are. Two columns that could be the
// same thing are an error: the plant has to say which it is.
func (d dictionary) read(cells []cell) (header, error) {
	h := header{at: map[string]int{}, info: map[int]string{}, width: len(cells), cells: cells}
	taken := map[int]bool{}
	for _, m := range Meanings() {
		for _, name := range d.set[m] {
			found := columnsOf(cells, name)
			if len(found) > 1 {
				return h, fmt.Errorf("the columns %d and %d have the same name %q; write \"#%d\" or \"#%d\" for %s under columns", found[0]+1, found[1]+1, shorten(cells[found[0]].text, 60), found[0]+1, found[1]+1, m)
			}
			if len(found) == 1 {
				h.at[m], taken[found[0]] = found[0], true
				break
			}
		}
	}
	for i, c := range cells {
		p := plain(c.text)
		info := slices.ContainsFunc(d.info, func(n string) bool { return plain(n) == p || n == "#"+strconv.Itoa(i+1) })
		switch {
		case info && p != "":
			h.info[i] = strings.Clone(strings.TrimSpace(c.text))
		case taken[i] || p == "" || d.skip[p]:
		default:
			if err := d.guess(&h, i); err != nil {
				return h, err
			}
		}
	}
	return h, nil
}

// guess finds out what a column is that the plant did not name. Of two that
// could be the same the likelier is, but for those that decide what is made.
func (d dictionary) guess(h *header, i int) error {
	name := h.cells[i].text
	l := d.known[plain(name)]
	before, have := h.at[l.key]
	if have && d.set[l.key] == nil && slices.Contains([]string{"order", "line", "product", "quantity", "unit", "factor", "due", "state"}, l.key) {
		return fmt.Errorf("the columns %q and %q could both be %s; write which one it is under columns", shorten(h.cells[before].text, 60), shorten(name, 60), l.key)
	}
	switch {
	case l.key == "" || have && (d.set[l.key] != nil || d.known[plain(h.cells[before].text)].rank <= l.rank):
		h.unknown = append(h.unknown, shorten(name, 60))
	case have:
		h.unknown = append(h.unknown, shorten(h.cells[before].text, 60))
		h.at[l.key] = i
	default:
		h.at[l.key] = i
	}
	return nil
}

// missing says which column a list of orders can not be without, empty if none.
func (h header) missing() string {
	for _, m := range []string{"order", "quantity"} {
		if _, ok := h.at[m]; !ok {
			return m
		}
	}
	_, product := h.at["product"]
	_, name := h.at["product_name"]
	if !product && !name {
		return "product"
	}
	return ""
}

// same says that a row is the header once more.
func (h header) same(r row) bool {
	if len(r.cells) != len(h.cells) || len(h.cells) == 0 {
		return false
	}
	for i, c := range r.cells {
		if strings.TrimSpace(c.text) != strings.TrimSpace(h.cells[i].text) {
			return false
		}
	}
	return true
}
