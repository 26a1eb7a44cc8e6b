// SPDX-License-Identifier: Apache-2.0

/// Certificates for 127.0.0.1 and localhost that sign themselves, valid until 2120. The keys are no secret.
package struct TestCertificate: Sendable {
    package let certificate: String
    package let key: String

    package static let one = TestCertificate(
        certificate: """
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
            """,
        key: """
            -----BEGIN PRIVATE KEY-----
            MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgKbMoaqA2Z/Pws9Du
            vYVWVFm6A+KmfO8FgHPTLgsMdYOhRANCAARvAXmxCT8a2SmLspqT0hoYRiOgrdt2
            XjNius3mxSv33thXWjuMNBhZ8IELy/Q5v0izkkR2PcRVCh1sWp5ysV8B
            -----END PRIVATE KEY-----
            """
    )

    package static let other = TestCertificate(
        certificate: """
            -----BEGIN CERTIFICATE-----
            MIIBdDCCARmgAwIBAgIBAjAKBggqhkjOPQQDAjAaMRgwFgYDVQQDDA9icm9hZHRh
            cGUgb3RoZXIwIBcNMjAwMTAxMDAwMDAwWhgPMjEyMDAxMDEwMDAwMDBaMBoxGDAW
            BgNVBAMMD2Jyb2FkdGFwZSBvdGhlcjBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IA
            BHTj+oFuRXOzbXqg975U7zHBeY15MVHjd5GCxiUXeIgzpOSg19pUfyTieN1HMf11
            4T4q2CAGkoz1sHEifJXKQIijTjBMMBoGA1UdEQQTMBGHBH8AAAGCCWxvY2FsaG9z
            dDAPBgNVHRMBAf8EBTADAQH/MB0GA1UdDgQWBBSSio79SZonWv84XqM2F1RGm5l9
            uzAKBggqhkjOPQQDAgNJADBGAiEAvGh7TYmmP3FfRDGCdsQXheuPV8LJQjfnQGLo
            pZ/vCjcCIQCRjFKHVeECuIasg/JLd+3tZ4Ttukyb2uDzrQVyzLk0tw==
            -----END CERTIFICATE-----
            """,
        key: """
            -----BEGIN PRIVATE KEY-----
            MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg1gNRH1wuWjTG7oz4
            mQztFHeHBfOegTaNH5IPrFrjJDWhRANCAAR04/qBbkVzs216oPe+VO8xwXmNeTFR
            43eRgsYlF3iIM6TkoNfaVH8k4njdRzH9deE+KtggBpKM9bBxInyVykCI
            -----END PRIVATE KEY-----
            """
    )
}
