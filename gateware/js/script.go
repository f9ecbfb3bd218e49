package js

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/evanw/esbuild/pkg/api"

	"github.com/capodekappa/capo/gateware/ir"
)

// MaxSource is the largest source, and the largest script made of one, in bytes.
const MaxSource = 8 << 20

// Script is a source as one CommonJS script, which asks for nothing but require('capo:kernel').
type Script struct {
	File string // the name that positions have
	Code []byte
	Map  []byte // its source map
	Job  bool   // its kernels are those that the export job names, see Options.Job
}

// builtinNames are the modules that need no file.
var builtinNames = []string{"capo:kernel", "@capo/types"}

// supported keeps what goja lacks, and arrow functions, whose end the parser does not tell, out of a script.
func supported() map[string]bool {
	return map[string]bool{
		"arrow": false, "class-field": false, "optional-chain": false, "async-generator": false, "for-await": false,
		"regexp-unicode-property-escapes": false,
	}
}

// bundle reads a file and what it imports.
func bundle(file string, job bool) (*Script, error) {
	path, err := filepath.Abs(file)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", file, err)
	}
	if info, err := os.Stat(path); err != nil {
		return nil, fmt.Errorf("read %s: %w", file, err)
	} else if !info.Mode().IsRegular() || info.Size() > MaxSource {
		return nil, fmt.Errorf("read %s: it is not a file of at most %d bytes", file, MaxSource)
	}
	dir, base := filepath.Split(path)
	conditions := []string{"module", "import"}
	if job { // what package jsrt/bundle takes
		conditions = []string{"worker", "browser", "module"}
	}
	result := api.Build(api.BuildOptions{
		EntryPoints: []string{"./" + base}, AbsWorkingDir: filepath.Clean(dir), Outfile: filepath.Join(dir, "kernel.js"),
		Bundle: true, Format: api.FormatCommonJS, Target: api.ES2021, Supported: supported(), Platform: api.PlatformNeutral,
		MainFields: []string{"module", "main"}, Conditions: conditions, Sourcemap: api.SourceMapExternal,
		SourcesContent: api.SourcesContentExclude, Charset: api.CharsetASCII, LegalComments: api.LegalCommentsNone,
		LogLevel: api.LogLevelSilent, LogLimit: 20, TreeShaking: api.TreeShakingTrue, Plugins: []api.Plugin{builtinModules()},
	})
	if len(result.Errors) > 0 {
		return nil, fromMessages(result.Errors, base)
	}
	s := &Script{File: base, Job: job}
	for _, f := range result.OutputFiles {
		if strings.HasSuffix(f.Path, ".map") {
			s.Map = f.Contents
		} else {
			s.Code = f.Contents
		}
	}
	return s, s.check()
}

func builtinModules() api.Plugin {
	return api.Plugin{Name: "capo", Setup: func(build api.PluginBuild) {
		build.OnResolve(api.OnResolveOptions{Filter: `^(capo:|node:|@capo/types$)`}, func(a api.OnResolveArgs) (api.OnResolveResult, error) {
			for _, m := range builtinNames {
				if a.Path == m {
					return api.OnResolveResult{Path: m, External: true}, nil
				}
			}
			text := fmt.Sprintf("there is no module %s for a kernel; it computes with what it is given", a.Path)
			return api.OnResolveResult{Errors: []api.Message{{Text: text}}}, nil
		})
		build.OnLoad(api.OnLoadOptions{Filter: `\.[cm]?[jt]sx?$`}, loadFile)
	}}
}

// loadFile reads a file for esbuild, if it is safe to parse.
func loadFile(a api.OnLoadArgs) (api.OnLoadResult, error) {
	text, err := os.ReadFile(a.Path)
	if err != nil {
		return api.OnLoadResult{}, err
	}
	contents := string(text)
	if len(text) > MaxSource {
		return api.OnLoadResult{}, fmt.Errorf("a source has at most %d bytes; this one has %d", MaxSource, len(text))
	}
	var deep *Problem
	if errors.As(checkNesting(a.Path, contents), &deep) {
		at := &api.Location{File: filepath.Base(a.Path), Line: deep.Pos.Line, Column: deep.Pos.Col - 1}
		deep.Pos = ir.Pos{}
		return api.OnLoadResult{Errors: []api.Message{{Text: deep.What + "; " + deep.Why + "; " + deep.Instead, Location: at}}}, nil
	}
	return api.OnLoadResult{Contents: &contents, Loader: api.LoaderDefault, ResolveDir: filepath.Dir(a.Path)}, nil
}

// transform makes a script of a source in memory, which imports only built-in modules.
func transform(name, source string) (*Script, error) {
	if len(source) > MaxSource {
		return nil, fmt.Errorf("%s: a source has at most %d bytes; this one has %d", name, MaxSource, len(source))
	}
	if err := checkNesting(name, source); err != nil {
		return nil, err
	}
	loader := api.LoaderTS
	if ext := filepath.Ext(name); ext == ".js" || ext == ".mjs" {
		loader = api.LoaderJS
	}
	result := api.Transform(source, api.TransformOptions{
		Sourcefile: name, Loader: loader, Format: api.FormatCommonJS, Target: api.ES2021, Supported: supported(),
		Sourcemap: api.SourceMapExternal, SourcesContent: api.SourcesContentExclude, Charset: api.CharsetASCII,
		LegalComments: api.LegalCommentsNone, LogLevel: api.LogLevelSilent, LogLimit: 20,
	})
	if len(result.Errors) > 0 {
		return nil, fromMessages(result.Errors, name)
	}
	s := &Script{File: name, Code: result.Code, Map: result.Map}
	return s, s.check()
}

func (s *Script) check() error {
	if len(s.Code) > MaxSource {
		return &Problem{Pos: s.start(), What: fmt.Sprintf("the script has %d bytes with all it imports", len(s.Code)), Why: fmt.Sprintf("at most %d are possible", MaxSource)}
	}
	return nil
}

// start is the position of what concerns the source as a whole.
func (s *Script) start() ir.Pos { return ir.Pos{File: s.File, Line: 1, Col: 1} }
