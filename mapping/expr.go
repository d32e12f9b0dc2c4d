package mapping

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/types"
	"github.com/expr-lang/expr/vm"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors"
)

// Expr is a boolean expression over named signals, such as
// `mode in [1, 2] and status == 4` or `power > 2`. It has no loops over
// unbounded data and no side effects.
type Expr struct {
	source  string
	names   []string
	program *vm.Program
}

// maxExprNodes bounds the size of an expression; a condition a person can read
// has a few dozen nodes.
const maxExprNodes = 500

// CompileExpr compiles an expression in which only the given names may occur.
// The error says what is wrong and, for an unknown name, which there are.
func CompileExpr(source string, names []string) (*Expr, error) {
	env := types.Map{}
	for _, name := range names {
		env[name] = types.Any
	}
	program, err := expr.Compile(source, expr.Env(env), expr.AsBool(), expr.MaxNodes(maxExprNodes),
		expr.DisableAllBuiltins(), expr.EnableBuiltin("abs"))
	if err != nil {
		text, _, _ := strings.Cut(err.Error(), "\n")
		if strings.Contains(text, "unknown name") && len(names) > 0 {
			text += "; the names here are " + strings.Join(names, ", ")
		}
		return nil, fmt.Errorf("%s", text)
	}
	return &Expr{source: source, names: slices.Clone(names), program: program}, nil
}

// String is the source.
func (e *Expr) String() string { return e.source }

// eval gives the expression's value; values stand in the order of the names it
// was compiled with.
func (e *Expr) eval(values []connectors.Value) (bool, error) {
	env := make(map[string]any, len(e.names))
	for i, name := range e.names {
		env[name] = goValue(values[i])
	}
	out, err := expr.Run(e.program, env)
	if err != nil {
		text, _, _ := strings.Cut(err.Error(), "\n")
		return false, fmt.Errorf("%s: %s", e.source, text)
	}
	result, ok := out.(bool)
	if !ok {
		return false, fmt.Errorf("%s: the result is %v, not true or false", e.source, out)
	}
	return result, nil
}

// goValue is what an expression sees: whole numbers compare with whole numbers
// and with decimals alike.
func goValue(v connectors.Value) any {
	switch v.Kind() {
	case connectors.KindBool:
		return v.AsBool()
	case connectors.KindInt:
		return int(v.AsInt())
	case connectors.KindUint:
		if v.AsUint() > math.MaxInt64 {
			return float64(v.AsUint())
		}
		return int(v.AsUint())
	case connectors.KindFloat32, connectors.KindFloat64:
		return v.AsFloat()
	case connectors.KindString:
		return v.AsString()
	}
	return nil
}
