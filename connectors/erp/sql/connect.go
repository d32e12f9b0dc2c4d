package sql

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	mssql "github.com/microsoft/go-mssqldb"
	"github.com/microsoft/go-mssqldb/msdsn"
	_ "modernc.org/sqlite"
)

// open prepares connections that live no longer than the context; none is made.
func (c Config) open(ctx context.Context) (*sql.DB, error) {
	var db *sql.DB
	var err error
	switch c.Dialect {
	case PostgreSQL:
		db, err = c.openPostgreSQL()
	case MySQL:
		db, err = c.openMySQL()
	case SQLServer:
		db, err = c.openSQLServer(ctx)
	default:
		db, err = sql.Open("sqlite", c.sqliteName())
	}
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	db.SetMaxIdleConns(0)
	return db, nil
}

func (c Config) openPostgreSQL() (*sql.DB, error) {
	// An empty text would take settings from the environment of the process.
	p, err := pgx.ParseConfig("host=/nowhere port=1 user=x dbname=x sslmode=disable passfile=/nowhere servicefile=/nowhere")
	if err != nil {
		return nil, err
	}
	p.Host, p.Port, p.User, p.Password, p.Database = c.Host, uint16(c.Port), c.User, c.Password, c.Database
	p.ConnectTimeout, p.Fallbacks = c.Timeout, nil
	p.RuntimeParams = map[string]string{"application_name": "prodsmart-gateway"}
	if p.TLSConfig, err = c.encryption(); err != nil {
		return nil, err
	}
	// Statements that are not prepared work through poolers too.
	p.DefaultQueryExecMode = pgx.QueryExecModeExec
	return stdlib.OpenDB(*p), nil
}

func (c Config) openMySQL() (*sql.DB, error) {
	m := mysql.NewConfig()
	m.User, m.Passwd, m.DBName, m.Net, m.Addr = c.User, c.Password, c.Database, "tcp", net.JoinHostPort(c.Host, strconv.Itoa(c.Port))
	if strings.HasPrefix(c.Host, "/") {
		m.Net, m.Addr = "unix", c.Host
	}
	m.Timeout, m.ReadTimeout, m.WriteTimeout = c.Timeout, c.Timeout, c.Timeout
	// Values come as the server's text, which is exact.
	m.InterpolateParams, m.ParseTime = true, false
	m.Logger = quiet{}
	var err error
	if m.TLS, err = c.encryption(); err != nil {
		return nil, err
	}
	connector, err := mysql.NewConnector(m)
	if err != nil {
		return nil, err
	}
	return sql.OpenDB(connector), nil
}

// quiet drops what the driver would print: the error says it too.
type quiet struct{}

func (quiet) Print(...any) {}

// sqlServerName is the name of the database in the words of SQL Server's driver.
// It has the password.
func (c Config) sqlServerName() string {
	q := url.Values{"app name": {"prodsmart-gateway"}, "database": {c.Database}, "dial timeout": {strconv.Itoa(max(1, int(c.Timeout/time.Second)))}}
	switch c.TLS {
	case Off:
		q.Set("encrypt", "disable")
	case Unverified:
		q.Set("encrypt", "true")
		q.Set("TrustServerCertificate", "true")
	default:
		q.Set("encrypt", "true")
		q.Set("TrustServerCertificate", "false")
		q.Set("hostNameInCertificate", c.ServerName)
		if c.CA != "" {
			q.Set("certificate", c.CA)
		}
	}
	host, instance, _ := strings.Cut(c.Host, `\`)
	u := url.URL{Scheme: "sqlserver", User: url.UserPassword(c.User, c.Password), Host: net.JoinHostPort(host, strconv.Itoa(c.Port)), Path: instance, RawQuery: q.Encode()}
	return u.String()
}

func (c Config) openSQLServer(ctx context.Context) (*sql.DB, error) {
	p, err := msdsn.Parse(c.sqlServerName())
	var whole *url.Error // it repeats the address, which has the password
	if errors.As(err, &whole) {
		err = whole.Err
	}
	if err != nil {
		return nil, err
	}
	connector := mssql.NewConnectorConfig(p)
	// The driver waits for a server's greeting for ever, whatever its context.
	connector.Dialer = dialer(func(dialing context.Context, network, address string) (net.Conn, error) {
		var d net.Dialer
		conn, err := d.DialContext(dialing, network, address)
		if err == nil {
			context.AfterFunc(ctx, func() { conn.Close() })
		}
		return conn, err
	})
	return sql.OpenDB(connector), nil
}

// dialer is a function as SQL Server's driver wants it.
type dialer func(ctx context.Context, network, address string) (net.Conn, error)

func (d dialer) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	return d(ctx, network, address)
}

// sqliteName names a file that is not written to, and not made if it is missing;
// the path may hold any character.
func (c Config) sqliteName() string {
	p := filepath.ToSlash(c.Database)
	if filepath.IsAbs(c.Database) && !strings.HasPrefix(p, "/") {
		p = "/" + p // C:/… has no leading slash
	}
	escaped := (&url.URL{Path: p}).EscapedPath()
	return "file:" + escaped + "?mode=ro&_query_only=1&_pragma=trusted_schema(0)&_pragma=busy_timeout(" + strconv.FormatInt(c.Timeout.Milliseconds(), 10) + ")"
}

// encryption is nil for none.
func (c Config) encryption() (*tls.Config, error) {
	switch c.TLS {
	case Off:
		return nil, nil
	case Unverified:
		return &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS12}, nil
	}
	t := &tls.Config{ServerName: c.ServerName, MinVersion: tls.VersionTLS12}
	if c.CA != "" {
		raw, err := os.ReadFile(c.CA)
		if err != nil {
			return nil, err
		}
		t.RootCAs = x509.NewCertPool()
		if !t.RootCAs.AppendCertsFromPEM(raw) {
			return nil, fmt.Errorf("%s has no certificate in PEM", filepath.Base(c.CA))
		}
	}
	return t, nil
}

// begin makes a connection and a transaction that can not write, where the
// server knows such a thing. The caller calls end.
func (c Config) begin(ctx context.Context, db *sql.DB) (tx *sql.Tx, end func(), err error) {
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, nil, err
	}
	defer func() {
		if err != nil {
			conn.Close()
		}
	}()
	if err = c.bound(ctx, conn); err != nil {
		return nil, nil, err
	}
	options := &sql.TxOptions{ReadOnly: c.Dialect == PostgreSQL || c.Dialect == MySQL}
	if options.ReadOnly {
		options.Isolation = sql.LevelRepeatableRead // one state of the data for all statements
	}
	if tx, err = conn.BeginTx(ctx, options); err != nil {
		return nil, nil, err
	}
	if c.Dialect == PostgreSQL {
		for _, s := range []string{fmt.Sprintf("SET LOCAL statement_timeout = %d", c.Timeout.Milliseconds()), "SET LOCAL TimeZone = 'UTC'", "SET LOCAL DateStyle = 'ISO'"} {
			if _, err = tx.ExecContext(ctx, s); err != nil {
				tx.Rollback()
				return nil, nil, err
			}
		}
	}
	return tx, func() {
		tx.Rollback()
		conn.Close()
	}, nil
}

// bound makes the server itself end a statement that takes too long.
func (c Config) bound(ctx context.Context, conn *sql.Conn) error {
	var list []string
	switch c.Dialect {
	case SQLServer:
		list = []string{fmt.Sprintf("SET LOCK_TIMEOUT %d", c.Timeout.Milliseconds())}
	case MySQL:
		version := ""
		if err := conn.QueryRowContext(ctx, "SELECT VERSION()").Scan(&version); err != nil {
			return err
		}
		limit := fmt.Sprintf("SET SESSION max_execution_time = %d", c.Timeout.Milliseconds())
		if strings.Contains(strings.ToLower(version), "mariadb") {
			limit = fmt.Sprintf("SET SESSION max_statement_time = %.3f", c.Timeout.Seconds())
		}
		list = []string{limit, "SET SESSION time_zone = '+00:00'"}
	}
	for _, s := range list {
		if _, err := conn.ExecContext(ctx, s); err != nil {
			return err
		}
	}
	return nil
}
