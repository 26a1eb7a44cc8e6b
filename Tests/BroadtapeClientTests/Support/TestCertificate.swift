// SPDX-License-Identifier: Apache-2.0

/// A certificate for 127.0.0.1 and localhost that signs itself, valid until 2120, for servers of tests. The key is no
/// secret.
enum TestCertificate {
    static let certificate = """
        -----BEGIN CERTIFICATE-----
        MIIBcTCCARegAwIBAgIBATAKBggqhkjOPQQDAjAZMRcwFQYDVQQDDA5icm9hZHRh
        cGUgdGVzdDAgFw0yMDAxMDEwMDAwMDBaGA8yMTIwMDEwMTAwMDAwMFowGTEXMBUG
        A1UEAwwOYnJvYWR0YXBlIHRlc3QwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAARv
        AXmxCT8a2SmLspqT0hoYRiOgrdt2XjNius3mxSv33thXWjuMNBhZ8IELy/Q5v0iz
        kkR2PcRVCh1sWp5ysV8Bo04wTDAaBgNVHREEEzARhwR/AAABgglsb2NhbGhvc3Qw
        DwYDVR0TAQH/BAUwAwEB/zAdBgNVHQ4EFgQUAieBE4X0B/OxUz/ioz0D2GWbJaEw
        CgYIKoZIzj0EAwIDSAAwRQIgcusTNsfhpbQ3DTyLXGflxEYpoTbBOP/pn2hJp8mT
        3ZMCIQC7LqxsCvxIbmF0AjaZsdvwWsGyI2AuaBubTNKghxC0Sw==
        -----END CERTIFICATE-----
        """

    static let key = """
        -----BEGIN PRIVATE KEY-----
        MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgKbMoaqA2Z/Pws9Du
        vYVWVFm6A+KmfO8FgHPTLgsMdYOhRANCAARvAXmxCT8a2SmLspqT0hoYRiOgrdt2
        XjNius3mxSv33thXWjuMNBhZ8IELy/Q5v0izkkR2PcRVCh1sWp5ysV8B
        -----END PRIVATE KEY-----
        """
}
