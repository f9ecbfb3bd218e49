package cell

import "github.com/dop251/goja"

func testHook(vm *goja.Runtime) {}
