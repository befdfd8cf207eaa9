// Kube is all of Kubernetes that the local cluster needs in one binary: its first argument chooses the component.
//
// One binary is linked once and cached once; the components share most of their code, so separate ones would take
// five times the disk and build time.
package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"go.etcd.io/etcd/server/v3/etcdmain"
	"k8s.io/component-base/cli"
	_ "k8s.io/component-base/logs/json/register"
	_ "k8s.io/component-base/metrics/prometheus/clientgo"
	_ "k8s.io/component-base/metrics/prometheus/version"
	kubectl "k8s.io/kubectl/pkg/cmd"
	kubectlutil "k8s.io/kubectl/pkg/cmd/util"
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
	controllermanager "k8s.io/kubernetes/cmd/kube-controller-manager/app"
	proxy "k8s.io/kubernetes/cmd/kube-proxy/app"
	scheduler "k8s.io/kubernetes/cmd/kube-scheduler/app"
	kubelet "k8s.io/kubernetes/cmd/kubelet/app"
)

// run starts a component that is a cobra command, as all of Kubernetes' own are, and returns the exit code.
func run(command func() *cobra.Command) func() int {
	return func() int { return cli.Run(command()) }
}

// runKubectl differs from run as kubectl's own main does: its errors are for people, without usage or log prefix.
func runKubectl() int {
	kubectlutil.CheckErr(cli.RunNoErrOutput(kubectl.NewDefaultKubectlCommand()))
	return 0
}

var components = map[string]func() int{
	"apiserver":          run(apiserver.NewAPIServerCommand),
	"controller-manager": run(controllermanager.NewControllerManagerCommand),
	"scheduler":          run(func() *cobra.Command { return scheduler.NewSchedulerCommand() }),
	"kubelet":            run(func() *cobra.Command { return kubelet.NewKubeletCommand(context.Background()) }),
	"proxy":              run(proxy.NewProxyCommand),
	"kubectl":            runKubectl,
	"etcd":               func() int { etcdmain.Main(os.Args); return 0 },
	"provisioner":        provisioner,
}

func main() {
	var start func() int
	if len(os.Args) > 1 {
		start = components[os.Args[1]]
	}
	if start == nil {
		names := make([]string, 0, len(components))
		for name := range components {
			names = append(names, name)
		}
		slices.Sort(names)
		fmt.Fprintf(os.Stderr, "usage: kube COMPONENT [ARGUMENT…]\ncomponents: %s\n", strings.Join(names, " "))
		os.Exit(2)
	}
	// The component sees its own name as the program's name.
	os.Args = os.Args[1:]
	os.Exit(start())
}
