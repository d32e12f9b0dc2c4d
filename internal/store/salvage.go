package store

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
)

// salvage takes from each source what carries a right checksum, the newest per
// machine, and fills the report.
func salvage(ctx context.Context, damaged, backup string, r *Recovery) image {
	file := readDamaged(ctx, damaged)
	old := source{}
	if exists(backup) {
		r.Backup = backup
		old = readDamaged(ctx, backup)
		r.BackupAt = metaTime(old.meta, metaBackup)
		r.BackupProblem = old.problem()
	}
	im := image{meta: maps.Clone(old.meta)}
	if im.meta == nil {
		im.meta = map[string]string{}
	}
	maps.Copy(im.meta, file.meta)
	delete(im.meta, metaBackup)

	codes := map[string]bool{}
	for _, t := range []table{file.machines, file.records, old.machines, old.records} {
		for code := range t.rows {
			codes[code] = true
		}
		for code := range t.broken {
			codes[code] = true
		}
	}
	for _, code := range slices.Sorted(maps.Keys(codes)) {
		state, so := newer(code, file.machines, old.machines)
		record, ro := newer(code, file.records, old.records)
		if ro == Lost && !file.records.broken[code] && old.records.whole && !old.records.broken[code] {
			ro = Unsaved
		}
		rm := RecoveredMachine{Code: code, State: so, Record: ro}
		if state != nil {
			rm.StateAt = state.savedAt()
			im.machines = append(im.machines, *state)
		}
		if record != nil {
			rm.RecordAt = record.savedAt()
			im.records = append(im.records, *record)
		}
		r.Machines = append(r.Machines, rm)
	}
	r.Listed = file.machines.whole || old.machines.whole
	r.Unnamed = missing(file.machines, im.machines) + missing(file.records, im.records)
	return im
}

// newer chooses between the two sources; the higher revision wins.
func newer(code string, file, old table) (*sealed, Origin) {
	f, inFile := file.rows[code]
	b, inBackup := old.rows[code]
	switch {
	case inFile && (!inBackup || f.revision >= b.revision):
		return &f, FromFile
	case inBackup:
		return &b, FromBackup
	case file.broken[code] || old.broken[code] || !file.whole:
		return nil, Lost
	}
	return nil, None
}

// missing is how many rows the damaged table is known to have had beyond those
// recovered.
func missing(t table, got []sealed) int {
	if t.whole || t.count < 0 {
		return 0
	}
	return max(0, int(t.count)-len(got)-len(t.broken))
}

// source is what could be read of one database file.
type source struct {
	machines, records table
	meta              map[string]string
	err               error
}

// table is what could be read of one of its tables.
type table struct {
	// rows have a right checksum; broken ones do not.
	rows   map[string]sealed
	broken map[string]bool
	// whole says that the table was read from end to end.
	whole bool
	// count is how many rows it should have, -1 if unknown.
	count int64
}

func (s source) problem() string {
	switch {
	case s.err != nil:
		return s.err.Error()
	case len(s.machines.broken)+len(s.records.broken) > 0:
		broken := slices.Sorted(maps.Keys(s.machines.broken))
		broken = append(broken, slices.Sorted(maps.Keys(s.records.broken))...)
		return fmt.Sprintf("rows with wrong checksums: %q", broken)
	}
	return ""
}

// readDamaged reads whatever it can, without changing a byte of the file.
func readDamaged(ctx context.Context, path string) (s source) {
	s.machines, s.records = table{count: -1}, table{count: -1}
	if info, err := os.Stat(path); err != nil || info.Size() == 0 {
		s.err = cmp.Or(err, errors.New("the file is empty"))
		return s
	}
	db, c, err := single(ctx, dsn(path, "mode=ro", "_query_only=1"))
	if err != nil {
		s.err = err
		return s
	}
	defer func() { s.err = errors.Join(s.err, c.Close(), db.Close()) }()
	var errs [3]error
	s.meta, errs[0] = scanMeta(ctx, c)
	s.machines, errs[1] = readTable(ctx, c, machineTable)
	s.records, errs[2] = readTable(ctx, c, recordTable)
	s.err = errors.Join(errs[:]...)
	return s
}

// readTable walks a table from both ends, by row number and by code: around a
// page that can not be read, each way reaches rows the others do not.
func readTable(ctx context.Context, q querier, name string) (table, error) {
	t := table{rows: map[string]sealed{}, broken: map[string]bool{}, count: -1}
	var first error
	for i, clause := range []string{"NOT INDEXED ORDER BY rowid", "NOT INDEXED ORDER BY rowid DESC", "ORDER BY code", "ORDER BY code DESC"} {
		rows, err := scanSealed(ctx, q, name, clause)
		for _, r := range rows {
			have, known := t.rows[r.code]
			switch {
			case r.verify(name) != nil:
				t.broken[r.code] = true
			case !known || r.revision > have.revision:
				t.rows[r.code] = r
			}
		}
		if i == 0 {
			t.whole, first = err == nil, err
		}
		if t.whole {
			break
		}
	}
	for code := range t.rows {
		delete(t.broken, code)
	}
	var count int64 = -1
	rows, err := q.QueryContext(ctx, "SELECT count FROM volume WHERE kind = ?", name)
	if err == nil {
		if rows.Next() {
			err = rows.Scan(&count)
		}
		err = errors.Join(err, rows.Err(), rows.Close())
	}
	if err == nil {
		t.count = count
	}
	return t, first
}
