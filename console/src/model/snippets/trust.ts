// How Go and .NET are told which certificates to trust: both have no setting for a file of them.
import { CA_FILE } from './types';

export const GO_TRUST = `// trusting is the TLS configuration of a client that trusts the issuers in the file.
func trusting() *tls.Config {
	pem, err := os.ReadFile("${CA_FILE}")
	if err != nil {
		log.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(pem)
	return &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
}
`;

export const TRUST_CS = `var issuers = new X509Certificate2Collection();
issuers.ImportFromPemFile("${CA_FILE}");

// The name has to be right, and one of our issuers has to be at the end of the chain.
bool IsTrusted(object sender, X509Certificate? certificate, X509Chain? chain, SslPolicyErrors errors)
{
    if (certificate is null || (errors & ~SslPolicyErrors.RemoteCertificateChainErrors) != SslPolicyErrors.None)
    {
        return false;
    }
    using var ours = new X509Chain();
    ours.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
    ours.ChainPolicy.CustomTrustStore.AddRange(issuers);
    ours.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
    return ours.Build(new X509Certificate2(certificate));
}
`;
