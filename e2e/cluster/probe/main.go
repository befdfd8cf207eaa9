// Probe is what the pods of `check` run: a small server, and the questions that are asked from inside a pod.
// It is static, so its image holds nothing else, and it resolves names itself, as Go programs do.
package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"syscall"
	"time"
)

// patience is how long a question may take; what hangs in a broken network shall fail, not wait.
const patience = 5 * time.Second

var commands = map[string]func(argument string) error{
	"serve":    serve,
	"wait":     wait,
	"hostname": func(string) error { return printed(os.Hostname()) },
	"create":   func(file string) error { return os.WriteFile(file, nil, 0o640) },
	"exists":   func(file string) error { _, err := os.Stat(file); return err },
	"owner":    owner,
	"get":      get,
	"lookup":   lookup,
	"connect":  connect,
}

func main() {
	arguments := append(os.Args[1:], "", "")
	command := commands[arguments[0]]
	if command == nil {
		fmt.Fprintf(os.Stderr, "probe: no such command: %q\n", arguments[0])
		os.Exit(2)
	}
	if err := command(arguments[1]); err != nil {
		fmt.Fprintln(os.Stderr, "probe:", err)
		os.Exit(1)
	}
}

// serve answers /name with its host name and /client with the address that the request seems to come from.
func serve(address string) error {
	name, err := os.Hostname()
	if err != nil {
		return err
	}
	fmt.Println(name)
	http.HandleFunc("/name", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, name) })
	http.HandleFunc("/client", func(w http.ResponseWriter, r *http.Request) {
		client, _, _ := net.SplitHostPort(r.RemoteAddr)
		fmt.Fprintln(w, client)
	})
	return http.ListenAndServe(address, nil)
}

// wait makes a file and then does nothing.
func wait(file string) error {
	if err := os.WriteFile(file, nil, 0o640); err != nil {
		return err
	}
	for {
		time.Sleep(time.Hour)
	}
}

// owner prints the process's user and the file's group.
func owner(file string) error {
	info, err := os.Stat(file)
	if err != nil {
		return err
	}
	return printed(fmt.Sprintf("%d %d", os.Getuid(), info.Sys().(*syscall.Stat_t).Gid), nil)
}

func get(url string) error {
	client := http.Client{Timeout: patience}
	response, err := client.Get(url)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", url, response.Status)
	}
	_, err = io.Copy(os.Stdout, response.Body)
	return err
}

func lookup(name string) error {
	addresses, err := net.LookupHost(name)
	return printed(strings.Join(addresses, " "), err)
}

func connect(address string) error {
	connection, err := net.DialTimeout("tcp", address, patience)
	if err != nil {
		return err
	}
	return connection.Close()
}

func printed(what string, err error) error {
	if err == nil {
		fmt.Println(what)
	}
	return err
}
