// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package standalone

import (
	"os"

	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// KubeconfigFile is where WriteKubeconfig writes.
func (d *Dir) KubeconfigFile() string {
	return d.file("admin.kubeconfig")
}

// WriteKubeconfig writes the administrator's kubeconfig for the server at serverURL. It holds the certificates and
// the key themselves, so that it can be copied elsewhere. EnsurePKI comes first.
func (d *Dir) WriteKubeconfig(serverURL string) error {
	ca, err := os.ReadFile(d.certFile(caName))
	if err != nil {
		return d.explain(err)
	}
	cert, err := os.ReadFile(d.certFile(adminName))
	if err != nil {
		return d.explain(err)
	}
	key, err := os.ReadFile(d.keyFile(adminName))
	if err != nil {
		return d.explain(err)
	}

	const cluster, user = "network-apiserver", "admin"
	config := clientcmdapi.NewConfig()
	config.Clusters[cluster] = &clientcmdapi.Cluster{Server: serverURL, CertificateAuthorityData: ca}
	config.AuthInfos[user] = &clientcmdapi.AuthInfo{ClientCertificateData: cert, ClientKeyData: key}
	config.Contexts[cluster] = &clientcmdapi.Context{Cluster: cluster, AuthInfo: user}
	config.CurrentContext = cluster
	data, err := clientcmd.Write(*config)
	if err != nil {
		return err
	}
	return d.write(d.KubeconfigFile(), data)
}
