package main

import (
	"context"
	"errors"
	"log"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"
	core "k8s.io/api/core/v1"
	storage "k8s.io/api/storage/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	storagelisters "k8s.io/client-go/listers/storage/v1"
	"k8s.io/client-go/tools/cache"
)

const (
	provisionerName = "brokerd.test/directory"
	selectedNode    = "volume.kubernetes.io/selected-node"
	provisionedBy   = "pv.kubernetes.io/provisioned-by"
	hostnameLabel   = "kubernetes.io/hostname"
)

// newVolumes makes, grows and removes the volumes of a cluster of tests: a claim of one of its storage classes gets a directory.
// In a class with WaitForFirstConsumer it is on one node, as a disk in a zone is; otherwise it is on all nodes, as a file share is.
// Both are volumes of the kind `local`, because the owner that a pod asks for (fsGroup) is applied to those as it is to disks.
func newVolumes() *cobra.Command {
	var kubeconfig, disks, shared string
	command := &cobra.Command{Use: "volumes", RunE: func(command *cobra.Command, _ []string) error {
		client, err := connect(kubeconfig)
		if err != nil {
			return err
		}
		serve(command.Context(), client, disks, shared)
		return nil
	}}
	command.Flags().StringVar(&kubeconfig, "kubeconfig", "", "the account that makes volumes")
	command.Flags().StringVar(&disks, "disks", "/disks", "where directories of single nodes are, below the name of the node")
	command.Flags().StringVar(&shared, "shared", "/shared", "where directories of all nodes are")
	return command
}

type maker struct {
	client  kubernetes.Interface
	classes storagelisters.StorageClassLister
	disks   string
	shared  string
}

func serve(ctx context.Context, client kubernetes.Interface, disks, shared string) {
	// What failed is tried again at the next resync.
	factory := informers.NewSharedInformerFactory(client, 5*time.Second)
	m := maker{client, factory.Storage().V1().StorageClasses().Lister(), disks, shared}
	_, _ = factory.Core().V1().PersistentVolumeClaims().Informer().AddEventHandler(on(func(object any) {
		if claim, ok := object.(*core.PersistentVolumeClaim); ok {
			report("claim "+claim.Namespace+"/"+claim.Name, m.claim(ctx, claim))
		}
	}))
	_, _ = factory.Core().V1().PersistentVolumes().Informer().AddEventHandler(on(func(object any) {
		if volume, ok := object.(*core.PersistentVolume); ok {
			report("volume "+volume.Name, m.remove(ctx, volume))
		}
	}))
	factory.Start(ctx.Done())
	<-ctx.Done()
}

func on(seen func(any)) cache.ResourceEventHandler {
	return cache.ResourceEventHandlerFuncs{AddFunc: seen, UpdateFunc: func(_, now any) { seen(now) }}
}

func report(what string, err error) {
	if err != nil && !apierrors.IsAlreadyExists(err) && !apierrors.IsNotFound(err) && !apierrors.IsConflict(err) {
		log.Printf("%s: %v", what, err)
	}
}

// claim gives a claim its volume, or its volume the size that the claim asks for.
func (m maker) claim(ctx context.Context, claim *core.PersistentVolumeClaim) error {
	if claim.Spec.StorageClassName == nil {
		return nil
	}
	class, err := m.classes.Get(*claim.Spec.StorageClassName)
	if err != nil || class.Provisioner != provisionerName {
		return err
	}
	switch {
	case claim.Status.Phase == core.ClaimPending && claim.Spec.VolumeName == "":
		return m.provision(ctx, claim, class)
	case claim.Status.Phase == core.ClaimBound:
		return m.grow(ctx, claim)
	}
	return nil
}

func (m maker) provision(ctx context.Context, claim *core.PersistentVolumeClaim, class *storage.StorageClass) error {
	where := core.NodeSelectorRequirement{Key: hostnameLabel, Operator: core.NodeSelectorOpExists}
	directory := filepath.Join(m.shared, string(claim.UID))
	if class.VolumeBindingMode != nil && *class.VolumeBindingMode == storage.VolumeBindingWaitForFirstConsumer {
		node := claim.Annotations[selectedNode]
		if node == "" {
			return nil
		}
		for _, mode := range claim.Spec.AccessModes {
			if mode == core.ReadWriteMany || mode == core.ReadOnlyMany {
				return errors.New("a disk of one node can't be " + string(mode))
			}
		}
		where = core.NodeSelectorRequirement{Key: hostnameLabel, Operator: core.NodeSelectorOpIn, Values: []string{node}}
		directory = filepath.Join(m.disks, node, string(claim.UID))
	}
	if err := os.MkdirAll(directory, 0o755); err != nil {
		return err
	}
	terms := []core.NodeSelectorTerm{{MatchExpressions: []core.NodeSelectorRequirement{where}}}
	volume := &core.PersistentVolume{
		ObjectMeta: meta.ObjectMeta{
			Name:        "pvc-" + string(claim.UID),
			Annotations: map[string]string{provisionedBy: provisionerName},
		},
		Spec: core.PersistentVolumeSpec{
			Capacity:                      claim.Spec.Resources.Requests,
			AccessModes:                   claim.Spec.AccessModes,
			StorageClassName:              class.Name,
			PersistentVolumeReclaimPolicy: core.PersistentVolumeReclaimDelete,
			ClaimRef: &core.ObjectReference{
				Kind: "PersistentVolumeClaim", APIVersion: "v1", Namespace: claim.Namespace, Name: claim.Name, UID: claim.UID,
			},
			PersistentVolumeSource: core.PersistentVolumeSource{Local: &core.LocalVolumeSource{Path: directory}},
			NodeAffinity:           &core.VolumeNodeAffinity{Required: &core.NodeSelector{NodeSelectorTerms: terms}},
		},
	}
	_, err := m.client.CoreV1().PersistentVolumes().Create(ctx, volume, meta.CreateOptions{})
	return err
}

// grow tells that the volume has the size that is asked for; a directory has any. The API refuses less than there is.
func (m maker) grow(ctx context.Context, claim *core.PersistentVolumeClaim) error {
	wanted := claim.Spec.Resources.Requests[core.ResourceStorage]
	if has := claim.Status.Capacity[core.ResourceStorage]; wanted.Cmp(has) <= 0 {
		return nil
	}
	volume, err := m.client.CoreV1().PersistentVolumes().Get(ctx, claim.Spec.VolumeName, meta.GetOptions{})
	if err != nil {
		return err
	}
	volume.Spec.Capacity = core.ResourceList{core.ResourceStorage: wanted}
	if _, err = m.client.CoreV1().PersistentVolumes().Update(ctx, volume, meta.UpdateOptions{}); err != nil {
		return err
	}
	grown := claim.DeepCopy()
	grown.Status.Capacity = core.ResourceList{core.ResourceStorage: wanted}
	_, err = m.client.CoreV1().PersistentVolumeClaims(claim.Namespace).UpdateStatus(ctx, grown, meta.UpdateOptions{})
	return err
}

// remove removes a volume whose claim is gone, and what is in it.
func (m maker) remove(ctx context.Context, volume *core.PersistentVolume) error {
	if volume.Annotations[provisionedBy] != provisionerName || volume.Spec.Local == nil ||
		volume.Status.Phase != core.VolumeReleased || volume.Spec.PersistentVolumeReclaimPolicy != core.PersistentVolumeReclaimDelete {
		return nil
	}
	if err := os.RemoveAll(volume.Spec.Local.Path); err != nil {
		return err
	}
	return m.client.CoreV1().PersistentVolumes().Delete(ctx, volume.Name, meta.DeleteOptions{})
}
