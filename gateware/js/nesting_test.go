package js

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestSourcesThatAreNestedTooDeeplyAreRefusedBeforeTheyAreParsed(t *testing.T) {
	const n = 300_000 // the parsers' stacks overflow, which no recover catches
	for name, text := range map[string]string{
		"brackets": strings.Repeat("(", n) + "1" + strings.Repeat(")", n), "minus": strings.Repeat("- ", n) + "x", "not": strings.Repeat("!", n) + "x",
		"arrays": strings.Repeat("[", n) + strings.Repeat("]", n), "choices": strings.Repeat("x?1:", n) + "1", "members": "x" + strings.Repeat(".a", n),
		"calls": "x" + strings.Repeat("()", n), "functions": strings.Repeat("x=>", n) + "1", "powers": strings.Repeat("2**", n) + "1",
		"assignments": strings.Repeat("x=", n) + "1", "if": "(()=>{" + strings.Repeat("if(x)", n) + ";})()", "else": "(()=>{" + strings.Repeat("if(x);else ", n) + ";})()",
		"blocks": "(()=>{" + strings.Repeat("{", n) + strings.Repeat("}", n) + "})()", "new": strings.Repeat("new ", n) + "x",
		"records": strings.Repeat("({a:", n) + "1" + strings.Repeat("})", n), "templates": strings.Repeat("`${", n) + "1" + strings.Repeat("}`", n),
	} {
		source := "import { kernel } from 'capo:kernel'\nexport const k = kernel({ in: 'u8', out: 'u8' }, x => " + text + ")"
		_, err := CompileSource(t.Context(), "deep.js", source, Options{})
		var p *Problem
		if !errors.As(err, &p) || p.Pos.Line != 2 || p.Pos.Col < 500 {
			t.Errorf("%s: %.200v", name, err)
		}
	}
}

func TestDeepImportsAreRefused(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"k.ts": "import { f } from './f.ts'\nexport const x = f", "f.ts": "export const f =\n  " + strings.Repeat("[", 300_000)} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	_, err := Compile(t.Context(), filepath.Join(dir, "k.ts"), Options{})
	if err == nil || !strings.HasPrefix(err.Error(), "f.ts:2:502: brackets are nested more than 500 deep") {
		t.Errorf("%.200v", err)
	}
}

func TestLongTablesAndTextsAreNotNested(t *testing.T) {
	source := "import { kernel } from 'capo:kernel'\nconst T = [" + strings.Repeat("1, ", 60_000) + "], S = \"" + strings.Repeat("(+", 20_000) + "\" /* " + strings.Repeat("(", 9000) +
		" */\n// " + strings.Repeat("[", 9000) + "\nexport const k = kernel({ in: 'u15', out: 'u8' }, x => T[x])"
	if _, err := CompileSource(t.Context(), "long.js", source, Options{}); err != nil {
		t.Errorf("%.200v", err)
	}
}
