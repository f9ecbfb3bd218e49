package bundle

import (
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/capodekappa/capo/jsrt/cell"
	"github.com/capodekappa/capo/test/need"
)

// An app made with a framework from npm loads as it stands; it needs the package registry.
func TestAHonoAppLoadsLong(t *testing.T) {
	need.Long(t)
	npm := need.Command(t, "npm")
	dir := write(t, "package.json", `{"private":true}`, "app.ts", `
		import { Hono } from 'hono'
		import { cors } from 'hono/cors'
		const app = new Hono()
		app.use(cors())
		app.get('/app/:name', c => c.text('hello ' + c.req.param('name')))
		export default app`)
	install := exec.CommandContext(t.Context(), npm, "install", "--no-audit", "--no-fund", "--ignore-scripts", "hono@4")
	install.Dir = dir
	if out, err := install.CombinedOutput(); err != nil {
		t.Fatalf("npm install: %v\n%s", err, out)
	}
	b := build(t, filepath.Join(dir, "app.ts"))
	c, err := cell.Start(t.Context(), cell.Config{Name: b.Name, File: b.File, Bundle: b.JS, Map: b.Map})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if got := c.Description().Handlers; len(got) != 1 || got[0] != "fetch" {
		t.Errorf("handlers %v", got)
	}
	t.Logf("%d KB, strength %s", len(b.JS)>>10, c.Strength())
}
