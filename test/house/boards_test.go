package house

import (
	"encoding/json"
	"fmt"
	"go/ast"
	"go/token"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/capodekappa/capo/board"
	"github.com/capodekappa/capo/buildroot"
	"github.com/capodekappa/capo/images"
)

// catalogue are the boards that there must be, whatever else there is.
var catalogue = []string{
	"arty-z7", "de0-nano-soc", "de10-nano", "kria-kv260", "pc", "pynq-z1", "pynq-z2", "qemu-amd64", "qemu-arm", "qemu-arm64", "qemu-raspi3", "qemu-zynq",
	"raspberrypi3", "raspberrypi4", "raspberrypi5", "zedboard",
}

// headings are what NOTES.md of a board tells, in this order.
var headings = []string{"Console", "Boot switches", "Flash and first power-on", "Pins", "Known problems", "Tested", "Sources"}

// bootFolders are where tests boot machines; each names the boards that it boots.
var bootFolders = []string{"init", "test/vm", "test/boot", "test/e2e"}

// sizes that a board's memory is checked against: what lies at its bottom (kernel, initramfs) and its top (boot loader).
const (
	memoryBottom = 128 << 20
	memoryTop    = 64 << 20
)

func TestEveryBoardIsWhole(t *testing.T) {
	for _, name := range catalogue {
		if !slices.Contains(board.Names(), name) {
			t.Errorf("board/%s is missing", name)
		}
	}
	for _, b := range boards(t) {
		t.Run(b.Name, func(t *testing.T) {
			checkName(t, b)
			checkNotes(t, b)
			if b.Linux != nil {
				checkLinux(t, b)
			}
			checkBootFiles(t, b)
			checkRamoops(t, b)
		})
	}
}

func boards(t *testing.T) []*board.Board {
	t.Helper()
	var all []*board.Board
	for _, name := range board.Names() {
		b, err := board.Load(name)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, b)
	}
	return all
}

// checkName sees to it that board.json says of itself the name that its folder has, and a title.
func checkName(t *testing.T, b *board.Board) {
	data, err := os.ReadFile(filepath.Join(root, "board", b.Name, "board.json"))
	if err != nil {
		t.Fatal(err)
	}
	var own struct{ Name, Title string }
	if err := json.Unmarshal(data, &own); err != nil || own.Name != b.Name || own.Title == "" {
		t.Errorf("board.json says %q, titled %q (%v)", own.Name, own.Title, err)
	}
	if b.Name != board.Host && len(b.Formats) == 0 && b.Missing == "" {
		t.Error("it has no image formats, and does not say what is missing")
	}
}

func checkNotes(t *testing.T, b *board.Board) {
	if len(b.Formats) == 0 && b.Missing == "" {
		return
	}
	text, at := board.Notes(b.Name), -1
	if !strings.HasPrefix(text, "# ") {
		t.Error("NOTES.md has no title")
	}
	for _, h := range headings {
		next := strings.Index(text, "\n## "+h+"\n")
		if next <= at {
			t.Errorf("NOTES.md lacks the heading %q, or has it out of order", h)
		}
		at = max(at, next)
	}
}

// checkLinux sees to it that kernel and device trees are made by something.
func checkLinux(t *testing.T, b *board.Board) {
	name := b.Linux.Package
	if slices.Contains(buildroot.Names(), name) {
		trees := treesOf(t, name)
		for _, dtb := range append(slices.Clone(b.Linux.DTBs), b.Linux.DTB) {
			if dtb != "" && !slices.Contains(trees, strings.TrimSuffix(dtb, ".dtb")) {
				t.Errorf("the recipe %s makes no device tree %s", name, dtb)
			}
		}
		return
	}
	if _, ok := pins(t)[name]; !ok {
		t.Errorf("linux.package %s is neither in images/linux.lock nor a recipe of buildroot", name)
	}
}

// treesOf are the device trees of a kernel's recipe, without an ending.
func treesOf(t *testing.T, recipe string) []string {
	t.Helper()
	r, err := buildroot.Load(recipe)
	if err != nil {
		t.Fatal(err)
	}
	if r.DeviceTrees != "" {
		if r, err = buildroot.Load(r.DeviceTrees); err != nil {
			t.Fatal(err)
		}
	}
	own, err := r.OwnTrees()
	if err != nil {
		t.Fatal(err)
	}
	return append(own, r.Trees...)
}

func pins(t *testing.T) map[string]images.Pin {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(root, "images", "linux.lock"))
	if err != nil {
		t.Fatal(err)
	}
	all, err := images.ReadLock(data)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func checkBootFiles(t *testing.T, b *board.Board) {
	if b.Boot == nil {
		return
	}
	taken := map[string]bool{}
	take := func(to string) {
		if taken[strings.ToLower(to)] {
			t.Errorf("two files are called %s", to)
		}
		taken[strings.ToLower(to)] = true
	}
	for _, f := range b.Boot.Files {
		take(f.To)
		if f.Recipe != "" {
			checkOutput(t, f.Recipe, f.From)
		} else if _, ok := pins(t)[f.Package]; !ok {
			t.Errorf("boot file %s: images/linux.lock has no %s", f.To, f.Package)
		}
	}
	if b.QEMU != nil && b.QEMU.Loader != nil && b.QEMU.Loader.Recipe != "" {
		checkOutput(t, b.QEMU.Loader.Recipe, b.QEMU.Loader.From)
	}
	for _, r := range b.Boot.Raw {
		checkOutput(t, r.Recipe, r.From)
	}
	for _, g := range b.Boot.Given {
		take(g.To)
	}
}

// checkOutput sees to it that a recipe makes a file. U-Boot's are in a folder for each device tree.
func checkOutput(t *testing.T, recipe, from string) {
	r, err := buildroot.Load(recipe)
	if err != nil {
		t.Error(err)
		return
	}
	made := slices.ContainsFunc(r.Outputs, func(o string) bool { return path.Base(o) == path.Base(from) })
	if !made || !slices.Contains(r.Trees, path.Dir(from)) {
		t.Errorf("the recipe %s makes no %s, but %v for each of %v", recipe, from, r.Outputs, r.Trees)
	}
}

// checkRamoops sees to it that the memory for the last log is there, and away from what lies at both ends.
func checkRamoops(t *testing.T, b *board.Board) {
	if b.Ramoops == nil || b.MemoryMB == 0 {
		return
	}
	at, err := strconv.ParseInt(strings.TrimPrefix(b.Ramoops.Address, "0x"), 16, 64)
	if err != nil || at < memoryBottom || at+int64(b.Ramoops.Size) > int64(b.MemoryMB)<<20-memoryTop {
		t.Errorf("ramoops %+v is not between the kernel and the boot loader in %d MB", *b.Ramoops, b.MemoryMB)
	}
}

// TestBoardsThatAreTestedAreBooted holds the word ci against the tests: one of those that boot machines names the board.
func TestBoardsThatAreTestedAreBooted(t *testing.T) {
	named := map[string][]string{}
	for _, f := range goFiles(t) {
		if !f.test || !within(f.dir, bootFolders) {
			continue
		}
		for _, name := range boardsNamedIn(f.ast) {
			named[name] = append(named[name], f.path)
		}
	}
	for _, b := range boards(t) {
		if b.Tested == "ci" && len(named[b.Name]) == 0 {
			t.Errorf("board %s says that it is tested in CI, and no test in %v names it", b.Name, bootFolders)
		}
		if b.Tested == "ci" && b.Name != board.Host && b.QEMU == nil {
			t.Errorf("board %s says that it is tested in CI, where there is no such board and no QEMU section", b.Name)
		}
	}
}

// boardsNamedIn lists what strings of a file may be boards' names, alone or joined by commas.
func boardsNamedIn(f *ast.File) []string {
	var names []string
	ast.Inspect(f, func(n ast.Node) bool {
		if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING {
			if text, err := strconv.Unquote(lit.Value); err == nil {
				names = append(names, strings.Split(text, ",")...)
			}
		}
		return true
	})
	return names
}

// TestEveryFieldOfABoardIsInThePortingGuide takes the fields from the schema's source.
func TestEveryFieldOfABoardIsInThePortingGuide(t *testing.T) {
	guide, err := os.ReadFile(filepath.Join(root, "docs", "porting.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range goFiles(t) {
		if f.dir != "board" || f.test {
			continue
		}
		ast.Inspect(f.ast, func(n ast.Node) bool {
			spec, ok := n.(*ast.TypeSpec)
			if !ok {
				return true
			}
			body, ok := spec.Type.(*ast.StructType)
			if !ok || !spec.Name.IsExported() {
				return true
			}
			for _, field := range body.Fields.List {
				name, _, _ := strings.Cut(jsonName(field), ",")
				if field.Tag != nil && !strings.Contains(string(guide), fmt.Sprintf("`%s`", name)) {
					t.Errorf("docs/porting.md does not explain `%s` (board.%s)", name, spec.Name.Name)
				}
			}
			return true
		})
	}
}

// TestTheBoardOfThePortingGuideIsOne reads the guide's example as the program would.
func TestTheBoardOfThePortingGuideIsOne(t *testing.T) {
	guide, err := os.ReadFile(filepath.Join(root, "docs", "porting.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, example, _ := strings.Cut(string(guide), "```json\n")
	example, _, _ = strings.Cut(example, "```")
	if b, err := board.Parse("acme-zed-mini", []byte(example)); err != nil || b.Arch != "arm" || len(b.Formats) == 0 {
		t.Errorf("%+v, %v", b, err)
	}
}
