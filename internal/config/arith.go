package config

import (
	"math/bits"
	"strconv"
	"strings"
)

// arith is what stands between the braces of a placeholder: the name of a
// parameter, or whole-number arithmetic over int parameters with + - * / and
// parentheses. A division must leave no remainder.
type arith struct {
	op          byte // 0 for a number, 'p' for a parameter
	number      int64
	param       *param
	left, right *arith
}

const maxArith = 200

type arithParser struct {
	text  string
	at    int
	depth int
	t     *template
	// whole is set by anything but a lone name: then only ints are allowed.
	whole   bool
	problem string
}

// parseArith reads an expression, or says what is wrong with it.
func parseArith(text string, t *template) (*arith, string) {
	if len(text) > maxArith {
		return nil, "the expression {" + printable(text) + "} is too long"
	}
	p := &arithParser{text: text, t: t}
	trimmed := strings.TrimSpace(text)
	p.whole = !isName(trimmed)
	out := p.sum()
	p.blanks()
	if p.problem == "" && p.at < len(text) {
		p.problem = "{" + printable(text) + "} is no expression; allowed are parameters, whole numbers, + - * / and parentheses"
	}
	return out, p.problem
}

func (p *arithParser) blanks() {
	for p.at < len(p.text) && p.text[p.at] == ' ' {
		p.at++
	}
}

func (p *arithParser) next(ops string) byte {
	p.blanks()
	if p.problem == "" && p.at < len(p.text) && strings.IndexByte(ops, p.text[p.at]) >= 0 {
		p.at++
		return p.text[p.at-1]
	}
	return 0
}

func (p *arithParser) sum() *arith {
	left := p.product()
	for op := p.next("+-"); op != 0; op = p.next("+-") {
		left = &arith{op: op, left: left, right: p.product()}
	}
	return left
}

func (p *arithParser) product() *arith {
	left := p.atom()
	for op := p.next("*/"); op != 0; op = p.next("*/") {
		left = &arith{op: op, left: left, right: p.atom()}
	}
	return left
}

func (p *arithParser) atom() *arith {
	if p.depth++; p.depth > maxArith {
		p.problem = "the expression is too deep"
	}
	defer func() { p.depth-- }()
	if p.problem != "" {
		return &arith{}
	}
	if p.next("(") != 0 {
		inner := p.sum()
		if p.next(")") == 0 && p.problem == "" {
			p.problem = "a parenthesis is not closed in {" + printable(p.text) + "}"
		}
		return inner
	}
	if p.next("-") != 0 {
		return &arith{op: '-', left: &arith{}, right: p.atom()}
	}
	p.blanks()
	start := p.at
	for p.at < len(p.text) && isNameByte(p.text[p.at]) {
		p.at++
	}
	word := p.text[start:p.at]
	if n, err := strconv.ParseInt(word, 10, 64); err == nil {
		return &arith{number: n}
	}
	if !isName(word) {
		p.problem = "{" + printable(p.text) + "} is no expression; allowed are parameters, whole numbers, + - * / and parentheses; write {{ for a brace"
		return &arith{}
	}
	found := p.t.param(word)
	if found == nil {
		p.problem = "there is no parameter " + quote(word) + didYouMean(word, p.t.names())
		if names := p.t.names(); len(names) > 0 {
			p.problem += "; the parameters are " + strings.Join(names, ", ")
		} else {
			p.problem += "; declare it under params"
		}
		return &arith{}
	}
	found.used = true
	if p.whole && found.kind != "int" && found.kind != "" {
		p.problem = "arithmetic is for int parameters; " + word + " is a " + found.kind
	}
	return &arith{op: 'p', param: found}
}

func isNameByte(c byte) bool {
	return c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

// eval gives the text to put in, the arguments used, and what went wrong.
func (a *arith) eval(args map[string]*argument) (string, []*argument, string) {
	if a.op == 'p' {
		arg := args[a.param.name]
		return arg.text, []*argument{arg}, ""
	}
	var used []*argument
	n, problem := a.number64(args, &used)
	return strconv.FormatInt(n, 10), used, problem
}

func (a *arith) number64(args map[string]*argument, used *[]*argument) (int64, string) {
	switch a.op {
	case 0:
		return a.number, ""
	case 'p':
		arg := args[a.param.name]
		*used = append(*used, arg)
		return arg.whole, ""
	}
	x, problem := a.left.number64(args, used)
	y, other := a.right.number64(args, used)
	if problem == "" {
		problem = other
	}
	if problem != "" {
		return 0, problem
	}
	const most = 1 << 53
	var out int64
	switch a.op {
	case '+':
		out = x + y
	case '-':
		out = x - y
	case '*':
		if hi, lo := bits.Mul64(uint64(max(x, -x)), uint64(max(y, -y))); hi != 0 || lo > most {
			return 0, "the result of the expression is too large"
		}
		out = x * y
	case '/':
		if y == 0 {
			return 0, "the expression divides by 0"
		}
		if x%y != 0 {
			return 0, strconv.FormatInt(x, 10) + "/" + strconv.FormatInt(y, 10) + " leaves a remainder; only whole numbers are possible"
		}
		out = x / y
	}
	if out > most || out < -most {
		return 0, "the result of the expression is too large"
	}
	return out, ""
}
