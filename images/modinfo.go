package images

import (
	"bytes"
	"debug/elf"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"sort"
	"strings"
)

// module is one kernel module as its file describes it.
type module struct {
	name    string   // with underscores, as the kernel calls it
	file    string   // relative to the modules folder
	depends []string // names
	aliases []string // patterns of modalias strings
}

// parseModinfo reads a .modinfo section: strings of the form key=value, each ended by a zero byte.
func parseModinfo(section []byte) (depends, aliases []string) {
	for field := range bytes.SplitSeq(section, []byte{0}) {
		key, value, ok := strings.Cut(string(field), "=")
		switch {
		case !ok || value == "":
		case key == "depends":
			depends = append(depends, strings.Split(value, ",")...)
		case key == "alias" && !strings.ContainsAny(value, " \t\n"):
			aliases = append(aliases, value)
		}
	}
	return depends, aliases
}

func readModule(root, file string) (*module, error) {
	f, err := elf.Open(filepath.Join(root, filepath.FromSlash(file)))
	if err != nil {
		return nil, fmt.Errorf("read module %s: %w", file, err)
	}
	defer f.Close()
	section := f.Section(".modinfo")
	if section == nil {
		return nil, fmt.Errorf("module %s has no .modinfo", file)
	}
	data, err := section.Data()
	if err != nil {
		return nil, fmt.Errorf("read .modinfo of %s: %w", file, err)
	}
	m := &module{name: moduleName(file), file: file}
	m.depends, m.aliases = parseModinfo(data)
	return m, nil
}

// moduleName is the name that the kernel gives to a module file.
func moduleName(file string) string {
	return strings.ReplaceAll(strings.TrimSuffix(path.Base(file), ".ko"), "-", "_")
}

// closure returns the named modules and all that they depend on, sorted by file. Names that are built into
// the kernel are left out.
func (l *Linux) closure(names []string) ([]*module, error) {
	files, builtin, err := l.index()
	if err != nil {
		return nil, err
	}
	found := map[string]*module{}
	todo := append([]string(nil), names...)
	for len(todo) > 0 {
		name := strings.ReplaceAll(todo[0], "-", "_")
		todo = todo[1:]
		if found[name] != nil || builtin[name] {
			continue
		}
		file, ok := files[name]
		if !ok {
			return nil, fmt.Errorf("Linux %s has no module %s", l.Release, name)
		}
		m, err := readModule(l.Modules, file)
		if err != nil {
			return nil, err
		}
		found[name] = m
		todo = append(todo, m.depends...)
	}
	mods := make([]*module, 0, len(found))
	for _, m := range found {
		mods = append(mods, m)
	}
	sort.Slice(mods, func(i, j int) bool { return mods[i].file < mods[j].file })
	return mods, nil
}

// index returns the file of every module, and the names of those that are built in.
func (l *Linux) index() (files map[string]string, builtin map[string]bool, err error) {
	files, builtin = map[string]string{}, map[string]bool{}
	root := os.DirFS(l.Modules)
	err = fs.WalkDir(root, ".", func(p string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && strings.HasSuffix(p, ".ko") {
			files[moduleName(p)] = p
		}
		return err
	})
	if err != nil {
		return nil, nil, fmt.Errorf("list the modules of Linux %s: %w", l.Release, err)
	}
	list, _ := fs.ReadFile(root, "modules.builtin") // absent where nothing is built in
	for line := range strings.Lines(string(list)) {
		builtin[moduleName(strings.TrimSpace(line))] = true
	}
	return files, builtin, nil
}

// modulesDep writes modules.dep as depmod does: each module with all that it needs, nearest first. There is no
// space after the colon of a module that needs nothing, because readers split there.
func modulesDep(mods []*module) []byte {
	byName := map[string]*module{}
	for _, m := range mods {
		byName[m.name] = m
	}
	var b bytes.Buffer
	for _, m := range mods {
		b.WriteString(m.file + ":")
		seen := map[string]bool{m.name: true}
		for _, d := range transitive(m, byName, seen) {
			b.WriteString(" " + d)
		}
		b.WriteByte('\n')
	}
	return b.Bytes()
}

func transitive(m *module, byName map[string]*module, seen map[string]bool) []string {
	var files []string
	for _, name := range m.depends {
		name = strings.ReplaceAll(name, "-", "_")
		d := byName[name]
		if d == nil || seen[name] {
			continue
		}
		seen[name] = true
		files = append(files, d.file)
		files = append(files, transitive(d, byName, seen)...)
	}
	return files
}

// modulesAlias writes modules.alias as depmod does.
func modulesAlias(mods []*module) []byte {
	var b bytes.Buffer
	for _, m := range mods {
		for _, a := range m.aliases {
			fmt.Fprintf(&b, "alias %s %s\n", a, m.name)
		}
	}
	return b.Bytes()
}
