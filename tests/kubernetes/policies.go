package main

import (
	"context"
	"log"
	"sync"
	"time"

	"github.com/cloudnativelabs/kube-router/v2/pkg/controllers/netpol"
	"github.com/cloudnativelabs/kube-router/v2/pkg/healthcheck"
	"github.com/cloudnativelabs/kube-router/v2/pkg/options"
	"github.com/spf13/cobra"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
)

// newPolicies enforces NetworkPolicy on the node that it runs on, by iptables and ipset. It is the controller of kube-router, which k3s
// embeds alike, and nothing else of kube-router.
func newPolicies() *cobra.Command {
	config := options.NewKubeRouterConfig()
	config.EnableIPv4 = true
	config.RunFirewall = true
	// What it could not write is written with the next event, or then. Its own five minutes are longer than any test waits.
	config.IPTablesSyncPeriod = 10 * time.Second
	var kubeconfig string
	command := &cobra.Command{Use: "policies", RunE: func(command *cobra.Command, _ []string) error {
		client, err := connect(kubeconfig)
		if err != nil {
			return err
		}
		return enforce(command.Context(), client, config)
	}}
	command.Flags().StringVar(&kubeconfig, "kubeconfig", "", "the account that reads pods and policies")
	command.Flags().StringVar(&config.HostnameOverride, "hostname-override", "", "the name of this node")
	command.Flags().StringSliceVar(&config.ClusterIPCIDRs, "service-cluster-ip-range", nil, "the addresses of services")
	return command
}

func enforce(ctx context.Context, client kubernetes.Interface, config *options.KubeRouterConfig) error {
	factory := informers.NewSharedInformerFactory(client, 0)
	pods := factory.Core().V1().Pods().Informer()
	namespaces := factory.Core().V1().Namespaces().Informer()
	policies := factory.Networking().V1().NetworkPolicies().Informer()
	factory.Start(ctx.Done())
	factory.WaitForCacheSync(ctx.Done())

	iptables, ipsets, err := netpol.NewIPTablesHandlers(config)
	if err != nil {
		return err
	}
	var controller *netpol.NetworkPolicyController
	for {
		controller, err = netpol.NewNetworkPolicyController(client, config, pods, policies, namespaces, &sync.Mutex{}, iptables, ipsets)
		if err == nil {
			break
		}
		// The kubelet may not have registered the node yet.
		log.Print(err)
		select {
		case <-ctx.Done():
			return err
		case <-time.After(time.Second):
		}
	}
	_, _ = pods.AddEventHandler(controller.PodEventHandler)
	_, _ = namespaces.AddEventHandler(controller.NamespaceEventHandler)
	_, _ = policies.AddEventHandler(controller.NetworkPolicyEventHandler)
	// Nobody watches its health, and it must not wait for that.
	beats := make(chan *healthcheck.ControllerHeartbeat, 10)
	go func() {
		for range beats {
		}
	}()
	var group sync.WaitGroup
	group.Add(1)
	go controller.Run(beats, ctx.Done(), &group)
	group.Wait()
	return nil
}
