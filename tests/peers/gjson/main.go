// Reads JSON from standard input and a path as KEDA's metrics-api scaler does (valueLocation, a
// GJSON path): prints the number, or fails when there is none. KEDA takes a number, or a text that
// is a quantity.
package main

import (
	"fmt"
	"io"
	"os"

	"github.com/tidwall/gjson"
)

func main() {
	body, err := io.ReadAll(os.Stdin)
	if err != nil || len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: gjson PATH <JSON")
		os.Exit(2)
	}
	found := gjson.GetBytes(body, os.Args[1])
	if found.Type != gjson.Number {
		fmt.Fprintf(os.Stderr, "%s is a %s\n", os.Args[1], found.Type)
		os.Exit(1)
	}
	fmt.Println(found.Num)
}
