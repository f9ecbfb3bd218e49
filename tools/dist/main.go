// Command dist is being written.
package main

import (
	"fmt"

	"github.com/capodekappa/capo/images"
)

func main() { fmt.Println(images.Version()) }
