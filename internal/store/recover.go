package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// Recovery says what became of a damaged store. The gateway raises an alarm and
// treats machines that are Behind with care.
type Recovery struct {
	// At is when, Cause what the check said.
	At    time.Time `json:"at"`
	Cause string    `json:"cause"`
	// SetAside are the files as they were found, under their new names. They
	// hold the journal and the posts up to the damage.
	SetAside []string `json:"setAside,omitempty"`
	// Backup is the copy that was looked into, BackupAt its age; empty if there
	// was none. BackupProblem says what is wrong with it.
	Backup        string    `json:"backup,omitempty"`
	BackupAt      time.Time `json:"backupAt,omitzero"`
	BackupProblem string    `json:"backupProblem,omitempty"`
	// Machines, by code, are all machines anything is known of.
	Machines []RecoveredMachine `json:"machines,omitempty"`
	// Unnamed is the number of rows that are missing without a trace of whose
	// they were.
	Unnamed int `json:"unnamed,omitempty"`
	// Listed says that the list of machines is complete.
	Listed bool `json:"listed"`
	// Fresh says that a person chose to give up what is lost.
	Fresh bool `json:"fresh,omitempty"`
}

// RecoveredMachine says where the two rows of a machine come from, and when
// they were saved.
type RecoveredMachine struct {
	Code     string    `json:"code"`
	State    Origin    `json:"state"`
	StateAt  time.Time `json:"stateAt,omitzero"`
	Record   Origin    `json:"record"`
	RecordAt time.Time `json:"recordAt,omitzero"`
}

// Origin is where a recovered row comes from.
type Origin string

// The origins.
const (
	// FromFile: read from the damaged file with its checksum right. It is the
	// newest there was, unless the disk lost writes it had confirmed.
	FromFile Origin = "file"
	// FromBackup: as old as the backup.
	FromBackup Origin = "backup"
	// Lost: it existed, or may have, and is nowhere to be read.
	Lost Origin = "lost"
	// None: it never existed.
	None Origin = "none"
	// Unsaved: a sound backup does not have it, and the file can not say
	// whether it was added since.
	Unsaved Origin = "unsaved"
)

// Behind reports whether the machine may be older than what Prodsmart was told:
// its total may be below what was told, and its record may not know the last
// posts. It needs a person's eye on Prodsmart's count, or a read of it, before
// its own count is believed.
func (m RecoveredMachine) Behind() bool {
	return m.State != FromFile || m.Record != FromFile && m.Record != None
}

// Lost names what could not be recovered.
func (r *Recovery) Lost() []string {
	var out []string
	for _, m := range r.Machines {
		switch {
		case m.State == Lost:
			out = append(out, fmt.Sprintf("the state of machine %q", m.Code))
		case m.Record == Lost:
			out = append(out, fmt.Sprintf("what Prodsmart was told of machine %q", m.Code))
		}
	}
	if r.Unnamed > 0 {
		out = append(out, fmt.Sprintf("%d rows of unknown machines", r.Unnamed))
	}
	return out
}

// complete reports whether a store can be built without giving anything up.
func (r *Recovery) complete() bool { return r.Listed && len(r.Lost()) == 0 }

// mark is the note in NAME.recovering: a recovery is under way. It makes the
// several renames one step: whatever is interrupted is taken up again.
type mark struct {
	At    time.Time `json:"at"`
	Cause string    `json:"cause"`
	// Stem is the name the damaged file gets.
	Stem string `json:"stem"`
	// Missing says that there was no file to give it to.
	Missing bool `json:"missing,omitempty"`
}

func markPath(path string) string { return path + ".recovering" }

func readMark(path string) (*mark, error) {
	b, err := os.ReadFile(markPath(path))
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var m mark
	if err := json.Unmarshal(b, &m); err != nil || m.Stem == "" {
		return nil, fmt.Errorf("%s can not be read (%v); it notes a recovery under way: look for the files named %s.damaged-*, put a good copy at %s, and remove it",
			markPath(path), err, path, path)
	}
	return &m, nil
}

func (m mark) write(path string) error {
	b, err := json.Marshal(m)
	if err != nil {
		return err
	}
	temp := markPath(path) + newSuffix
	if err := os.WriteFile(temp, b, 0o600); err != nil {
		return err
	}
	return publish(temp, markPath(path))
}

// companions are the files that belong to the database beside the main one;
// they are set aside before it, and the main one last.
func companions() []string { return []string{"-wal", "-journal", "-shm"} }

// recover sets the damaged store aside and builds a new one from what can be
// read of it and of its backup.
func (o *opener) recover(ctx context.Context, cause string) error {
	now := o.options.Now().UTC()
	m := mark{At: now, Cause: cause, Missing: !exists(o.path)}
	for n := 0; ; n++ {
		m.Stem = o.path + ".damaged-" + now.Format("20060102T150405Z")
		if n > 0 {
			m.Stem += fmt.Sprintf("-%d", n)
		}
		if !exists(m.Stem) {
			break
		}
	}
	if err := m.write(o.path); err != nil {
		return fmt.Errorf("%s is damaged (%s), and the recovery can not be noted: %w", o.path, cause, err)
	}
	return o.resume(ctx, m)
}

// resume carries a marked recovery to its end, from wherever it stands.
func (o *opener) resume(ctx context.Context, m mark) error {
	if there := exists(o.path); !there || !m.Missing && !exists(m.Stem) {
		if err := o.setAside(m.Stem); err != nil {
			return err
		}
	}
	r := &Recovery{At: m.At, Cause: m.Cause}
	for _, suffix := range append([]string{""}, companions()...) {
		if exists(m.Stem + suffix) {
			r.SetAside = append(r.SetAside, m.Stem+suffix)
		}
	}
	if !exists(o.path) {
		if err := o.rebuild(ctx, m, r); err != nil {
			return err
		}
	}
	// A file in place by now is the rebuilt one, or a copy put there by a
	// person.
	if err := removeStale(markPath(o.path)); err != nil {
		return err
	}
	return syncDir(filepath.Dir(o.path))
}

// exists reports whether anything has that name, readable or not.
func exists(path string) bool {
	_, err := os.Lstat(path)
	return !errors.Is(err, os.ErrNotExist)
}

// setAside gives the files their new names, as far as they still have the old.
func (o *opener) setAside(stem string) error {
	for _, suffix := range append(companions(), "") {
		if !exists(o.path + suffix) {
			continue
		}
		if exists(stem + suffix) {
			return fmt.Errorf("%s is there already, so that %s can not be set aside under that name; move one of them away", stem+suffix, o.path+suffix)
		}
		err := os.Rename(o.path+suffix, stem+suffix)
		if err != nil {
			return fmt.Errorf("%s is damaged and can not be set aside: %w; close every program that has it open", o.path, err)
		}
	}
	return syncDir(filepath.Dir(o.path))
}

// rebuild salvages and, if nothing is lost or a person said so, writes the new
// store.
func (o *opener) rebuild(ctx context.Context, m mark, r *Recovery) error {
	backup := m.Stem + ".backup"
	if !exists(backup) {
		backup = o.path + ".backup"
	}
	im := salvage(ctx, m.Stem, backup, r)
	if !r.complete() && !o.options.StartFresh {
		return &DamagedError{Path: o.path, Recovery: r}
	}
	r.Fresh = !r.complete()
	if aside := m.Stem + ".backup"; r.BackupProblem != "" && r.Backup != aside {
		// The next backup would overwrite it.
		if err := os.Rename(r.Backup, aside); err != nil {
			return err
		}
		r.Backup = aside
	}
	note, err := json.Marshal(r)
	if err != nil {
		return err
	}
	im.meta[metaRecovery] = string(note)
	if im.meta[metaCreated] == "" {
		im.meta[metaCreated] = r.At.Format(time.RFC3339Nano)
	}
	if err := writeImage(ctx, o.path, im); err != nil {
		return fmt.Errorf("%s: the recovered store can not be written: %w", o.path, err)
	}
	o.recovery = r
	return nil
}
