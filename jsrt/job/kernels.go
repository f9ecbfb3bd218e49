package job

// KernelMark is the only member of what kernel() of capo:kernel returns in a job: a plain object that stands for the kernel, which the front
// end compiles.
const KernelMark = "capo:kernel"

// kernels reads the names of the job's kernels.
func (p *parser) kernels(n node) []string {
	var names []string
	for name, v := range p.entries(n) {
		mark, ok := v.value.(map[string]any)
		if _, marked := mark[KernelMark]; !ok || !marked {
			p.fail(v.path, "is not a kernel: import { kernel } from 'capo:kernel', and name what kernel(…) or pipe(…) returns")
			continue
		}
		if !identifier.MatchString(name) || len(name) > 64 {
			p.fail(v.path, "%q is not a name for a kernel: a letter, then letters, digits, _ and $, at most 64", name)
			continue
		}
		names = append(names, name)
	}
	return names
}
