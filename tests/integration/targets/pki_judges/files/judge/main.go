// Judge certificates as Go does, by what lies in their DER. A list of cases on stdin, a list of findings on stdout.
package main

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"os"
	"slices"
	"time"
)

type judged struct {
	// The certificate, and behind it those between it and the root.
	Chain         string
	Root          string
	Length        int
	CA            bool
	PathLength    int
	Usages        []string
	CommonName    string
	Organizations []string
	Names         []string
	Addresses     []string
	Key           string
	SignedAfter   time.Time
	SignedBefore  time.Time
}

type verdict struct {
	Serial   string
	Findings []string
}

var usages = map[string]x509.ExtKeyUsage{"server auth": x509.ExtKeyUsageServerAuth, "client auth": x509.ExtKeyUsageClientAuth}

var strong = []x509.SignatureAlgorithm{
	x509.SHA256WithRSA, x509.SHA384WithRSA, x509.SHA512WithRSA,
	x509.ECDSAWithSHA256, x509.ECDSAWithSHA384, x509.ECDSAWithSHA512,
}

// Extensions, and whether they are critical.
var extensions = map[string]bool{"2.5.29.19": true, "2.5.29.15": true, "2.5.29.14": false, "2.5.29.35": false}

func main() {
	var cases []judged
	if err := json.NewDecoder(os.Stdin).Decode(&cases); err != nil {
		panic(err)
	}
	verdicts := []verdict{}
	for _, one := range cases {
		verdicts = append(verdicts, judge(one))
	}
	if err := json.NewEncoder(os.Stdout).Encode(verdicts); err != nil {
		panic(err)
	}
}

func read(path string) []*x509.Certificate {
	data, err := os.ReadFile(path)
	if err != nil {
		panic(err)
	}
	found := []*x509.Certificate{}
	for block, rest := pem.Decode(data); block != nil; block, rest = pem.Decode(rest) {
		certificate, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			panic(fmt.Sprintf("%s: %v", path, err))
		}
		found = append(found, certificate)
	}
	return found
}

func judge(one judged) verdict {
	chain, root := read(one.Chain), read(one.Root)
	found := verdict{Serial: chain[0].SerialNumber.Text(16)}
	say := func(wrong bool, format string, values ...any) {
		if wrong {
			found.Findings = append(found.Findings, fmt.Sprintf(format, values...))
		}
	}
	judgeForm(one, chain[0], say)
	judgeContent(one, chain[0], say)
	judgeChain(one, chain, root, say)
	return found
}

type sayer func(wrong bool, format string, values ...any)

func judgeForm(one judged, leaf *x509.Certificate, say sayer) {
	say(leaf.Version != 3, "version %d", leaf.Version)
	say(leaf.SerialNumber.Sign() <= 0 || leaf.SerialNumber.BitLen() < 64, "serial of %d bits", leaf.SerialNumber.BitLen())
	say(!slices.Contains(strong, leaf.SignatureAlgorithm), "signed by %s", leaf.SignatureAlgorithm)
	for oid, critical := range extensions {
		place := slices.IndexFunc(leaf.Extensions, func(has pkix.Extension) bool { return has.Id.String() == oid })
		say(place < 0, "no extension %s", oid)
		say(place >= 0 && leaf.Extensions[place].Critical != critical, "extension %s is critical: %t", oid, !critical)
	}
	say(len(leaf.UnhandledCriticalExtensions) > 0, "unknown critical extensions")
	backdated := 5 * time.Minute
	earliest, latest := one.SignedAfter.Add(-backdated-time.Second), one.SignedBefore.Add(-backdated)
	say(leaf.NotBefore.Before(earliest) || leaf.NotBefore.After(latest), "not before %s", leaf.NotBefore)
}

func judgeContent(one judged, leaf *x509.Certificate, say sayer) {
	say(!leaf.BasicConstraintsValid || leaf.IsCA != one.CA, "CA %t", leaf.IsCA)
	say(keyOf(leaf) != one.Key, "key %s", keyOf(leaf))
	say(leaf.Subject.CommonName != one.CommonName, "common name %s", leaf.Subject.CommonName)
	say(!same(leaf.Subject.Organization, one.Organizations), "organizations %v", leaf.Subject.Organization)
	say(len(leaf.Subject.Names) != 1+len(one.Organizations), "subject %s", leaf.Subject)
	addresses := []string{}
	for _, address := range leaf.IPAddresses {
		addresses = append(addresses, address.String())
	}
	say(!same(leaf.DNSNames, one.Names), "names %v", leaf.DNSNames)
	say(!same(addresses, one.Addresses), "addresses %v", addresses)
	say(len(leaf.EmailAddresses)+len(leaf.URIs) > 0, "other names")
	for _, name := range append(slices.Clone(one.Names), one.Addresses...) {
		err := leaf.VerifyHostname(name)
		say(err != nil, "%v", err)
	}
	say(leaf.VerifyHostname("other.example.com") == nil, "it serves for other.example.com")
	if one.CA {
		say(leaf.MaxPathLen != one.PathLength, "path length %d", leaf.MaxPathLen)
		say(leaf.KeyUsage != x509.KeyUsageCertSign|x509.KeyUsageCRLSign, "key usage %b", leaf.KeyUsage)
		return
	}
	wanted := x509.KeyUsageDigitalSignature
	if _, rsa := leaf.PublicKey.(*rsa.PublicKey); rsa {
		wanted |= x509.KeyUsageKeyEncipherment
	}
	say(leaf.KeyUsage != wanted, "key usage %b", leaf.KeyUsage)
	say(len(leaf.ExtKeyUsage) != len(one.Usages) || len(leaf.UnknownExtKeyUsage) > 0, "usages %v", leaf.ExtKeyUsage)
}

func judgeChain(one judged, chain, root []*x509.Certificate, say sayer) {
	say(len(chain) != one.Length, "%d certificates", len(chain))
	issuers := append(slices.Clone(chain[1:]), root...)
	say(!bytes.Equal(chain[0].AuthorityKeyId, issuers[0].SubjectKeyId), "the key identifier is not the issuer's")
	say(!bytes.Equal(chain[0].RawIssuer, issuers[0].RawSubject), "the issuer's name is not its subject")
	say(chain[0].NotAfter.After(issuers[0].NotAfter), "it outlives its issuer")
	roots, between, anchor := x509.NewCertPool(), x509.NewCertPool(), x509.NewCertPool()
	// What hosts trust: the CA alone, whatever is above it.
	anchor.AddCert(issuers[0])
	for _, certificate := range root {
		roots.AddCert(certificate)
	}
	for _, certificate := range chain[1:] {
		between.AddCert(certificate)
	}
	options := x509.VerifyOptions{Roots: roots, Intermediates: between}
	for name, usage := range usages {
		options.KeyUsages = []x509.ExtKeyUsage{usage}
		_, err := chain[0].Verify(options)
		serves := one.CA || slices.Contains(one.Usages, name)
		say(serves && err != nil, "as %s: %v", name, err)
		say(!serves && err == nil, "it serves as %s", name)
		_, err = chain[0].Verify(x509.VerifyOptions{Roots: anchor, KeyUsages: options.KeyUsages})
		say(serves && err != nil, "by its issuer alone, as %s: %v", name, err)
	}
}

func keyOf(certificate *x509.Certificate) string {
	switch key := certificate.PublicKey.(type) {
	case *rsa.PublicKey:
		return fmt.Sprintf("rsa-%d", key.Size()*8)
	case *ecdsa.PublicKey:
		return fmt.Sprintf("ecdsa-p%d", key.Curve.Params().BitSize)
	}
	return fmt.Sprintf("%T", certificate.PublicKey)
}

func same(left, right []string) bool {
	left, right = slices.Clone(left), slices.Clone(right)
	slices.Sort(left)
	slices.Sort(right)
	return slices.Equal(left, right)
}
