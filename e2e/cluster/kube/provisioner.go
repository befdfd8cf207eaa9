package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/sig-storage-lib-external-provisioner/v13/controller"
)

// storageProvisioner is what a StorageClass names as its `provisioner`.
const storageProvisioner = "local/folder"

// localVolumes provisions folders as volumes of type `local`, to which the kubelet (other than to `hostPath`) applies
// fsGroup. Both nodes are on this machine, so one provisioner makes the folders of both: root/NODE/NAMESPACE-CLAIM-VOLUME.
type localVolumes struct{ root string }

func (p localVolumes) Provision(_ context.Context, o controller.ProvisionOptions) (*v1.PersistentVolume, controller.ProvisioningState, error) {
	if o.SelectedNodeName == "" {
		return nil, controller.ProvisioningFinished, fmt.Errorf(
			"no node was selected for claim %s/%s; its StorageClass %s needs volumeBindingMode: WaitForFirstConsumer",
			o.PVC.Namespace, o.PVC.Name, o.StorageClass.Name)
	}
	folder := filepath.Join(p.root, o.SelectedNodeName, o.PVC.Namespace+"-"+o.PVC.Name+"-"+o.PVName)
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return nil, controller.ProvisioningNoChange, err
	}
	return &v1.PersistentVolume{
		ObjectMeta: metav1.ObjectMeta{Name: o.PVName},
		Spec: v1.PersistentVolumeSpec{
			PersistentVolumeReclaimPolicy: *o.StorageClass.ReclaimPolicy,
			AccessModes:                   o.PVC.Spec.AccessModes,
			Capacity:                      v1.ResourceList{v1.ResourceStorage: o.PVC.Spec.Resources.Requests[v1.ResourceStorage]},
			PersistentVolumeSource:        v1.PersistentVolumeSource{Local: &v1.LocalVolumeSource{Path: folder}},
			NodeAffinity: &v1.VolumeNodeAffinity{Required: &v1.NodeSelector{NodeSelectorTerms: []v1.NodeSelectorTerm{{
				MatchExpressions: []v1.NodeSelectorRequirement{{Key: v1.LabelHostname, Operator: v1.NodeSelectorOpIn, Values: []string{o.SelectedNodeName}}},
			}}}},
		},
	}, controller.ProvisioningFinished, nil
}

func (p localVolumes) Delete(_ context.Context, volume *v1.PersistentVolume) error {
	local := volume.Spec.Local
	// A volume object is something that any administrator can write; nothing outside our own folder is ever removed.
	if local == nil || !strings.HasPrefix(filepath.Clean(local.Path), p.root+string(filepath.Separator)) {
		return fmt.Errorf("volume %s is not a folder below %s; left alone", volume.Name, p.root)
	}
	return os.RemoveAll(filepath.Clean(local.Path))
}

func provisioner() int {
	flags := flag.NewFlagSet("provisioner", flag.ExitOnError)
	kubeconfig := flags.String("kubeconfig", "", "the kubeconfig file to reach the API server with")
	root := flags.String("root", "", "the folder to make the volumes in")
	_ = flags.Parse(os.Args[1:])

	if err := provision(*kubeconfig, *root); err != nil {
		fmt.Fprintln(os.Stderr, "provisioner:", err)
		return 1
	}
	return 0
}

func provision(kubeconfig, root string) error {
	if !filepath.IsAbs(root) {
		return errors.New("--root must be an absolute path")
	}
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return err
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	controller.NewProvisionController(ctx, client, storageProvisioner, localVolumes{filepath.Clean(root)},
		controller.LeaderElection(false)).Run(ctx)
	return nil
}
