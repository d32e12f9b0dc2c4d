package gateway

import (
	"fmt"

	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp"
	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp/csmart"
	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp/file"
	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp/repzo"
	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp/rest"
	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp/smartup"
	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp/smpos"
	"github.com/prodsmart-gateway/prodsmart-gateway/connectors/erp/sql"
	"github.com/prodsmart-gateway/prodsmart-gateway/internal/config"
)

// OpenOrderSource makes the connector of a source. kept is what keep was last given:
// the count of the day's calls. Nothing is connected yet; the caller closes it.
func OpenOrderSource(s config.OrderSource, kept string, keep func(string) error) (erp.Source, error) {
	var source erp.Source
	var err error
	switch s.System {
	case "smartup":
		source, err = opened(smartup.New(s.Smartup(), smartup.Deps{Kept: kept, Keep: keep}))
	case "repzo":
		source, err = opened(repzo.New(s.Repzo(), repzo.Deps{Kept: kept, Keep: keep}))
	case "csmart":
		source, err = opened(csmart.New(s.CSMART(), csmart.Deps{}))
	case "smpos":
		source, err = opened(smpos.New(s.SMPOS(), smpos.Deps{Kept: kept, Keep: keep}))
	case "file":
		source, err = opened(file.New(s.File()))
	case "sql":
		source, err = opened(sql.New(s.SQL()))
	case "rest":
		source, err = opened(rest.New(s.REST()))
	default:
		return nil, fmt.Errorf("%s: orders.sources.%s: this version has no connector for %s", s.Pos, s.Name, s.System)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: orders.sources.%s: %w", s.Pos, s.Name, err)
	}
	return source, nil
}

// opened keeps a connector that could not be made from being taken for one.
func opened[S erp.Source](s S, err error) (erp.Source, error) {
	if err != nil {
		return nil, err
	}
	return s, nil
}

// openSource is OpenOrderSource for the mirror.
func openSource(s config.OrderSource) func(string, func(string) error) (erp.Source, error) {
	return func(kept string, keep func(string) error) (erp.Source, error) { return OpenOrderSource(s, kept, keep) }
}
