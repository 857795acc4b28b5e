# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The fields of KubeletConfiguration and KubeProxyConfiguration and the feature gates, by version.

Made by python3 tools/component_fields.py from Kubernetes 1.34.4, 1.35.4, 1.36.3, 1.37.2; not edited by hand.
"""

from __future__ import annotations

MINORS = (34, 35, 36, 37)

# struct -> field -> (what it holds, first minor version, last one): bool, int, float, string, duration, map, a struct,
# a list of such after [], or "" for what is not checked
FIELDS: dict[str, dict[str, tuple[str, int, int]]] = {
    "ClientConnectionConfiguration": {
        "acceptContentTypes": ("string", 34, 37),
        "burst": ("int", 34, 37),
        "contentType": ("string", 34, 37),
        "kubeconfig": ("string", 34, 37),
        "qps": ("float", 34, 37),
    },
    "CrashLoopBackOffConfig": {
        "maxContainerRestartPeriod": ("duration", 34, 37),
    },
    "DetectLocalConfiguration": {
        "bridgeInterface": ("string", 34, 37),
        "interfaceNamePrefix": ("string", 34, 37),
    },
    "FormatOptions": {
        "json": ("JSONOptions", 34, 37),
        "text": ("TextOptions", 34, 37),
    },
    "JSONOptions": {
        "infoBufferSize": ("", 34, 37),
        "splitStream": ("bool", 34, 37),
    },
    "KubeProxyConfiguration": {
        "apiVersion": ("string", 34, 37),
        "bindAddress": ("string", 34, 37),
        "bindAddressHardFail": ("bool", 34, 37),
        "clientConnection": ("ClientConnectionConfiguration", 34, 37),
        "clusterCIDR": ("string", 34, 37),
        "configSyncPeriod": ("duration", 34, 37),
        "conntrack": ("KubeProxyConntrackConfiguration", 34, 37),
        "detectLocal": ("DetectLocalConfiguration", 34, 37),
        "detectLocalMode": ("string", 34, 37),
        "enableProfiling": ("bool", 34, 37),
        "featureGates": ("map", 34, 37),
        "healthzBindAddress": ("string", 34, 37),
        "hostnameOverride": ("string", 34, 37),
        "iptables": ("KubeProxyIPTablesConfiguration", 34, 37),
        "ipvs": ("KubeProxyIPVSConfiguration", 34, 37),
        "kind": ("string", 34, 37),
        "logging": ("LoggingConfiguration", 34, 37),
        "metricsBindAddress": ("string", 34, 37),
        "mode": ("string", 34, 37),
        "nftables": ("KubeProxyNFTablesConfiguration", 34, 37),
        "nodePortAddresses": ("[]string", 34, 37),
        "oomScoreAdj": ("int", 34, 37),
        "portRange": ("string", 34, 37),
        "showHiddenMetricsForVersion": ("string", 34, 37),
        "windowsRunAsService": ("bool", 34, 37),
        "winkernel": ("KubeProxyWinkernelConfiguration", 34, 37),
    },
    "KubeProxyConntrackConfiguration": {
        "maxPerCore": ("int", 34, 37),
        "min": ("int", 34, 37),
        "tcpBeLiberal": ("bool", 34, 37),
        "tcpCloseWaitTimeout": ("duration", 34, 37),
        "tcpEstablishedTimeout": ("duration", 34, 37),
        "udpStreamTimeout": ("duration", 34, 37),
        "udpTimeout": ("duration", 34, 37),
    },
    "KubeProxyIPTablesConfiguration": {
        "localhostNodePorts": ("bool", 34, 37),
        "masqueradeAll": ("bool", 34, 37),
        "masqueradeBit": ("int", 34, 37),
        "minSyncPeriod": ("duration", 34, 37),
        "syncPeriod": ("duration", 34, 37),
    },
    "KubeProxyIPVSConfiguration": {
        "excludeCIDRs": ("[]string", 34, 37),
        "minSyncPeriod": ("duration", 34, 37),
        "scheduler": ("string", 34, 37),
        "strictARP": ("bool", 34, 37),
        "syncPeriod": ("duration", 34, 37),
        "tcpFinTimeout": ("duration", 34, 37),
        "tcpTimeout": ("duration", 34, 37),
        "udpTimeout": ("duration", 34, 37),
    },
    "KubeProxyNFTablesConfiguration": {
        "masqueradeAll": ("bool", 34, 37),
        "masqueradeBit": ("int", 34, 37),
        "minSyncPeriod": ("duration", 34, 37),
        "syncPeriod": ("duration", 34, 37),
    },
    "KubeProxyWinkernelConfiguration": {
        "enableDSR": ("bool", 34, 37),
        "forwardHealthCheckVip": ("bool", 34, 37),
        "networkName": ("string", 34, 37),
        "rootHnsEndpointName": ("string", 34, 37),
        "sourceVip": ("string", 34, 37),
    },
    "KubeletAnonymousAuthentication": {
        "enabled": ("bool", 34, 37),
    },
    "KubeletAuthentication": {
        "anonymous": ("KubeletAnonymousAuthentication", 34, 37),
        "webhook": ("KubeletWebhookAuthentication", 34, 37),
        "x509": ("KubeletX509Authentication", 34, 37),
    },
    "KubeletAuthorization": {
        "mode": ("string", 34, 37),
        "webhook": ("KubeletWebhookAuthorization", 34, 37),
    },
    "KubeletConfiguration": {
        "address": ("string", 34, 37),
        "allowedUnsafeSysctls": ("[]string", 34, 37),
        "apiVersion": ("string", 34, 37),
        "authentication": ("KubeletAuthentication", 34, 37),
        "authorization": ("KubeletAuthorization", 34, 37),
        "cgroupDriver": ("string", 34, 37),
        "cgroupRoot": ("string", 34, 37),
        "cgroupsPerQOS": ("bool", 34, 37),
        "clusterDNS": ("[]string", 34, 37),
        "clusterDomain": ("string", 34, 37),
        "configMapAndSecretChangeDetectionStrategy": ("string", 34, 37),
        "containerLogMaxFiles": ("int", 34, 37),
        "containerLogMaxSize": ("string", 34, 37),
        "containerLogMaxWorkers": ("int", 34, 37),
        "containerLogMonitorInterval": ("duration", 34, 37),
        "containerRuntimeEndpoint": ("string", 34, 37),
        "contentType": ("string", 34, 37),
        "cpuCFSQuota": ("bool", 34, 37),
        "cpuCFSQuotaPeriod": ("duration", 34, 37),
        "cpuManagerPolicy": ("string", 34, 37),
        "cpuManagerPolicyOptions": ("map", 34, 37),
        "cpuManagerReconcilePeriod": ("duration", 34, 37),
        "crashLoopBackOff": ("CrashLoopBackOffConfig", 34, 37),
        "defaultPodSysctls": ("map", 37, 37),
        "enableContentionProfiling": ("bool", 34, 37),
        "enableControllerAttachDetach": ("bool", 34, 37),
        "enableDebugFlagsHandler": ("bool", 34, 37),
        "enableDebuggingHandlers": ("bool", 34, 37),
        "enableProfilingHandler": ("bool", 34, 37),
        "enableServer": ("bool", 34, 37),
        "enableSystemLogHandler": ("bool", 34, 37),
        "enableSystemLogQuery": ("bool", 34, 37),
        "enforceNodeAllocatable": ("[]string", 34, 37),
        "eventBurst": ("int", 34, 37),
        "eventRecordQPS": ("int", 34, 37),
        "evictionHard": ("map", 34, 37),
        "evictionMaxPodGracePeriod": ("int", 34, 37),
        "evictionMinimumReclaim": ("map", 34, 37),
        "evictionPressureTransitionPeriod": ("duration", 34, 37),
        "evictionSoft": ("map", 34, 37),
        "evictionSoftGracePeriod": ("map", 34, 37),
        "failCgroupV1": ("bool", 34, 37),
        "failSwapOn": ("bool", 34, 37),
        "featureGates": ("map", 34, 37),
        "fileCheckFrequency": ("duration", 34, 37),
        "hairpinMode": ("string", 34, 37),
        "healthzBindAddress": ("string", 34, 37),
        "healthzPort": ("int", 34, 37),
        "httpCheckFrequency": ("duration", 34, 37),
        "imageGCHighThresholdPercent": ("int", 34, 37),
        "imageGCLowThresholdPercent": ("int", 34, 37),
        "imageMaximumGCAge": ("duration", 34, 37),
        "imageMinimumGCAge": ("duration", 34, 37),
        "imagePullCredentialsVerificationPolicy": ("string", 34, 37),
        "imageServiceEndpoint": ("string", 34, 37),
        "iptablesDropBit": ("int", 34, 37),
        "iptablesMasqueradeBit": ("int", 34, 37),
        "kernelMemcgNotification": ("bool", 34, 37),
        "kind": ("string", 34, 37),
        "kubeAPIBurst": ("int", 34, 37),
        "kubeAPIQPS": ("int", 34, 37),
        "kubeReserved": ("map", 34, 37),
        "kubeReservedCgroup": ("string", 34, 37),
        "kubeletCgroups": ("string", 34, 37),
        "localStorageCapacityIsolation": ("bool", 34, 37),
        "logging": ("LoggingConfiguration", 34, 37),
        "makeIPTablesUtilChains": ("bool", 34, 37),
        "maxOpenFiles": ("int", 34, 37),
        "maxParallelImagePulls": ("int", 34, 37),
        "maxPods": ("int", 34, 37),
        "memoryManagerPolicy": ("string", 34, 37),
        "memoryReservationPolicy": ("string", 36, 37),
        "memorySwap": ("MemorySwapConfiguration", 34, 37),
        "memoryThrottlingFactor": ("float", 34, 37),
        "mergeDefaultEvictionSettings": ("bool", 34, 37),
        "nodeLeaseDurationSeconds": ("int", 34, 37),
        "nodeStatusMaxImages": ("int", 34, 37),
        "nodeStatusReportFrequency": ("duration", 34, 37),
        "nodeStatusUpdateFrequency": ("duration", 34, 37),
        "oomScoreAdj": ("int", 34, 37),
        "podCIDR": ("string", 34, 37),
        "podLogsDir": ("string", 34, 37),
        "podPidsLimit": ("int", 34, 37),
        "podsPerCore": ("int", 34, 37),
        "port": ("int", 34, 37),
        "preloadedImagesVerificationAllowlist": ("[]string", 34, 37),
        "protectKernelDefaults": ("bool", 34, 37),
        "providerID": ("string", 34, 37),
        "qosReserved": ("map", 34, 37),
        "readOnlyPort": ("int", 34, 37),
        "registerNode": ("bool", 34, 37),
        "registerWithTaints": ("[]", 34, 37),
        "registryBurst": ("int", 34, 37),
        "registryPullQPS": ("int", 34, 37),
        "reservedMemory": ("[]MemoryReservation", 34, 37),
        "reservedSystemCPUs": ("string", 34, 37),
        "resolvConf": ("string", 34, 37),
        "rotateCertificates": ("bool", 34, 37),
        "runOnce": ("bool", 34, 37),
        "runtimeRequestTimeout": ("duration", 34, 37),
        "seccompDefault": ("bool", 34, 37),
        "serializeImagePulls": ("bool", 34, 37),
        "serverTLSBootstrap": ("bool", 34, 37),
        "showHiddenMetricsForVersion": ("string", 34, 37),
        "shutdownGracePeriod": ("duration", 34, 37),
        "shutdownGracePeriodByPodPriority": ("[]ShutdownGracePeriodByPodPriority", 34, 37),
        "shutdownGracePeriodCriticalPods": ("duration", 34, 37),
        "singleProcessOOMKill": ("bool", 34, 37),
        "staticPodPath": ("string", 34, 37),
        "staticPodURL": ("string", 34, 37),
        "staticPodURLHeader": ("map", 34, 37),
        "streamingConnectionIdleTimeout": ("duration", 34, 37),
        "syncFrequency": ("duration", 34, 37),
        "systemCgroups": ("string", 34, 37),
        "systemReserved": ("map", 34, 37),
        "systemReservedCgroup": ("string", 34, 37),
        "tlsCertFile": ("string", 34, 37),
        "tlsCipherSuites": ("[]string", 34, 37),
        "tlsCurvePreferences": ("[]int", 36, 37),
        "tlsMinVersion": ("string", 34, 37),
        "tlsPrivateKeyFile": ("string", 34, 37),
        "topologyManagerPolicy": ("string", 34, 37),
        "topologyManagerPolicyOptions": ("map", 34, 37),
        "topologyManagerScope": ("string", 34, 37),
        "tracing": ("TracingConfiguration", 34, 37),
        "userNamespaces": ("UserNamespaces", 34, 37),
        "volumePluginDir": ("string", 34, 37),
        "volumeStatsAggPeriod": ("duration", 34, 37),
    },
    "KubeletWebhookAuthentication": {
        "cacheTTL": ("duration", 34, 37),
        "enabled": ("bool", 34, 37),
    },
    "KubeletWebhookAuthorization": {
        "cacheAuthorizedTTL": ("duration", 34, 37),
        "cacheUnauthorizedTTL": ("duration", 34, 37),
    },
    "KubeletX509Authentication": {
        "clientCAFile": ("string", 34, 37),
    },
    "LoggingConfiguration": {
        "flushFrequency": ("", 34, 37),
        "format": ("string", 34, 37),
        "options": ("FormatOptions", 34, 37),
        "verbosity": ("int", 34, 37),
        "vmodule": ("", 34, 37),
    },
    "MemoryReservation": {
        "limits": ("map", 34, 37),
        "numaNode": ("int", 34, 37),
    },
    "MemorySwapConfiguration": {
        "swapBehavior": ("string", 34, 37),
    },
    "ShutdownGracePeriodByPodPriority": {
        "priority": ("int", 34, 37),
        "shutdownGracePeriodSeconds": ("int", 34, 37),
    },
    "TextOptions": {
        "infoBufferSize": ("", 34, 37),
        "splitStream": ("bool", 34, 37),
    },
    "TracingConfiguration": {
        "endpoint": ("string", 34, 37),
        "samplingRatePerMillion": ("int", 34, 37),
    },
    "UserNamespaces": {
        "idsPerPod": ("int", 34, 37),
    },
}

# (first minor version, last one) -> the gates that the kubelet or kube-proxy knows in them
FEATURE_GATES: dict[tuple[int, int], str] = {
    (34, 34): """
        AllowServiceLBStatusOnNonLB ComponentSLIs CronJobsScheduledAnnotation LoadBalancerIPMode
        PodIndexLabel ProbeHostPodSecurityStandards SizeMemoryBackedVolumes StatefulSetAutoDeletePVC
        StrictCostEnforcementForVAP StrictCostEnforcementForWebhooks UserNamespacesPodSecurityStandards
    """,
    (34, 35): """
        CSIMigrationPortworx HonorPVReclaimPolicy InPlacePodVerticalScalingAllocatedStatus
        InTreePluginPortworxUnregister MemoryManager ServiceTrafficDistribution
        StructuredAuthorizationConfiguration TopologyAwareHints WatchFromStorageWithoutResourceVersion
    """,
    (34, 36): """
        APIServerTracing AnonymousAuthConfigurableEndpoints AnyVolumeDataSource AuthorizeNodeWithSelectors
        AuthorizeWithSelectors BtreeWatchCache ConsistentListFromCache JobBackoffLimitPerIndex
        JobPodReplacementPolicy JobSuccessPolicy LogarithmicScaleDown OrderedNamespaceDeletion
        PodLifecycleSleepAction PodLifecycleSleepActionAllowZero PreventStaticPodAPIReferences
        RelaxedDNSSearchValidation ResilientWatchCacheInitialization RetryGenerateName
        SchedulerQueueingHints SidecarContainers StreamingCollectionEncodingToJSON
        StreamingCollectionEncodingToProtobuf StructuredAuthenticationConfiguration
    """,
    (34, 37): """
        APIResponseCompression APIServerIdentity APIServingWithRoutine AggregatedDiscoveryRemoveBetaType
        AllowDNSOnlyNodeCSR AllowInsecureKubeletCertificateSigningRequests
        AllowOverwriteTerminationGracePeriodSeconds AllowParsingUserUIDFromCertAuth
        AllowUnsafeMalformedObjectDeletion CBORServingAndStorage CPUManagerPolicyAlphaOptions
        CPUManagerPolicyBetaOptions CPUManagerPolicyOptions CRDValidationRatcheting CSIVolumeHealth
        ClearingNominatedNodeNameAfterBinding ClientsAllowCBOR ClientsPreferCBOR
        CloudControllerManagerWebhook ClusterTrustBundle ClusterTrustBundleProjection ComponentFlagz
        ComponentStatusz ConcurrentWatchObjectDecode ContainerCheckpoint ContainerRestartRules
        ContainerStopSignals ContextualLogging CoordinatedLeaderElection CrossNamespaceVolumeDataSource
        CustomCPUCFSQuotaPeriod CustomResourceFieldSelectors DRAAdminAccess DRAConsumableCapacity
        DRADeviceBindingConditions DRADeviceTaints DRAExtendedResource DRAPartitionableDevices
        DRAPrioritizedList DRAResourceClaimDeviceStatus DRASchedulerFilterTimeout DeclarativeValidation
        DeclarativeValidationTakeover DeploymentReplicaSetTerminatingReplicas DetectCacheInconsistency
        DisableAllocatorDualWrite DisableCPUQuotaWithExclusiveCPUs DisableNodeKubeProxyVersion
        DynamicResourceAllocation EnvFiles EventedPLEG ExecProbeTimeout ExternalServiceAccountTokenSigner
        GitRepoVolumeDriver GracefulNodeShutdown GracefulNodeShutdownBasedOnPodPriority
        HPAConfigurableTolerance HPAScaleToZero HostnameOverride ImageMaximumGCAge ImageVolume
        InOrderInformers InPlacePodVerticalScaling InPlacePodVerticalScalingExclusiveCPUs
        InPlacePodVerticalScalingExclusiveMemory InformerResourceVersion JobManagedBy KMSv1
        KubeletCgroupDriverFromCRI KubeletCrashLoopBackOffMax KubeletEnsureSecretPulledImages
        KubeletFineGrainedAuthz KubeletInUserNamespace KubeletPSI KubeletPodResourcesDynamicResources
        KubeletPodResourcesGet KubeletPodResourcesListUseActivePods KubeletRegistrationGetOnExistsOnly
        KubeletSeparateDiskGC KubeletServiceAccountTokenForCredentialProviders KubeletTracing
        ListFromCacheSnapshot LocalStorageCapacityIsolationFSQuotaMonitoring LoggingAlphaOptions
        LoggingBetaOptions LoggingStableOptions MatchLabelKeysInPodAffinity
        MatchLabelKeysInPodTopologySpread MatchLabelKeysInPodTopologySpreadSelectorMerge
        MaxUnavailableStatefulSet MemoryQoS MultiCIDRServiceAllocator MutableCSINodeAllocatableCount
        MutatingAdmissionPolicy NFTablesProxyMode NodeInclusionPolicyInPodTopologySpread NodeLogQuery
        NodeSwap NominatedNodeNameForExpectation OpenAPIEnums PodAndContainerStatsFromCRI
        PodCertificateRequest PodDeletionCost PodLevelResources PodLogsQuerySplitStreams
        PodObservedGenerationTracking PodReadyToStartContainersCondition PodSchedulingReadiness
        PodTopologyLabelsAdmission PortForwardWebsockets PreferSameTrafficDistribution ProcMountType
        QOSReserved RecoverVolumeExpansionFailure RecursiveReadOnlyMounts ReduceDefaultCrashLoopBackOffDecay
        RelaxedEnvironmentVariableValidation RelaxedServiceNameValidation ReloadKubeletServerCertificateFile
        RemoteRequestHeaderUID ResourceHealthStatus RotateKubeletServerCertificate RuntimeClassInImageCriApi
        SELinuxChangePolicy SELinuxMount SELinuxMountReadWriteOncePod SchedulerAsyncAPICalls
        SchedulerAsyncPreemption SchedulerPopFromBackoffQ SeparateCacheWatchRPC
        SeparateTaintEvictionController ServiceAccountNodeAudienceRestriction ServiceAccountTokenJTI
        ServiceAccountTokenNodeBinding ServiceAccountTokenNodeBindingValidation
        ServiceAccountTokenPodNodeInfo SizeBasedListCostEstimate StorageCapacityScoring
        StorageNamespaceIndex StorageVersionAPI StorageVersionHash StorageVersionMigrator
        StrictIPCIDRValidation StructuredAuthenticationConfigurationEgressSelector SupplementalGroupsPolicy
        TokenRequestServiceAccountUIDValidation TopologyManagerPolicyAlphaOptions
        TopologyManagerPolicyBetaOptions TopologyManagerPolicyOptions TranslateStreamCloseWebsocketRequests
        UnauthenticatedHTTP2DOSMitigation UnknownVersionInteroperabilityProxy UserNamespacesSupport
        VolumeAttributesClass WatchCacheInitializationPostStartHook WatchList WatchListClient WinDSR
        WinOverlay WindowsCPUAndMemoryAffinity WindowsGracefulNodeShutdown WindowsHostNetwork
    """,
    (35, 36): """
        GangScheduling
    """,
    (35, 37): """
        AuthorizePodWebsocketUpgradeCreatePermission CRDObservedGenerationTracking
        CSIServiceAccountTokenSecrets CloudControllerManagerWatchBasedRoutesReconciliation
        ConstrainedImpersonation DRADeviceTaintRules GenericWorkload InOrderInformersBatchProcess
        InPlacePodLevelResourcesVerticalScaling MutablePVNodeAffinity MutablePodResourcesForSuspendedJobs
        MutableSchedulingDirectivesForSuspendedJobs NodeDeclaredFeatures OpportunisticBatching
        RestartAllContainersOnContainerExits StructuredAuthenticationConfigurationJWKSMetrics
        TaintTolerationComparisonOperators UserNamespacesHostNetworkSupport VolumeLimitScaling
    """,
    (36, 36): """
        WorkloadAwarePreemption
    """,
    (36, 37): """
        AllowServiceExternalIPs AtomicFIFO CRIListStreaming ChangeContainerStatusOnKubeletRestart
        ClientsAllowCARotation ClientsAllowTLSCacheGC ControllerManagerReleaseLeaderElectionLockOnExit
        DRAListTypeAttributes DRANodeAllocatableResources DRAResourceClaimGranularStatusAuthorization
        DRAResourcePoolStatus DRAWorkloadResourceClaims DeclarativeValidationBeta ExtendWebSocketsToKubelet
        ImageVolumeWithDigest InPlacePodVerticalScalingInitContainers ManifestBasedAdmissionControlConfig
        NativeHistograms PLEGOnDemandRelist PersistentVolumeClaimUnusedSinceTime PodLevelResourceManagers
        PodsAPI ResourceHealthStatusMessage ServiceCIDRStatusFieldWiping ShardedListAndWatch
        StaleControllerConsistencyDaemonSet StaleControllerConsistencyJob
        StaleControllerConsistencyReplicaSet StaleControllerConsistencyStatefulSet
        StatefulSetSemanticRevisionComparison TopologyAwareWorkloadScheduling UnlockWhileProcessingFIFO
        WorkloadWithJob
    """,
    (37, 37): """
        APIServerWebhookAuthenticationToken AtomicWriteVolumeUserFields CompositePodGroup
        ConsistentListFromCacheSkipTimeoutFallback DRADerivedAttributes DRADeviceCompatibilityGroups
        DRAFractionalCapacityRange DRAOptionalNodeOperations DRAPartitionableDevicesType DefaultPodSysctls
        EmptyDirVolumeMode EtcdRangeStream EvictionRequestAPI ExcludeAdmissionWebhookVirtualResources
        GRPCContainerProbeTLS H2CContainerProbe HPAGeneration HPAOptimizedSelectorStore
        HugepageAwareEviction InPlacePodVerticalScalingMemoryBackedVolumes
        InPlacePodVerticalScalingSchedulerPreemption InterPodAffinityHostnameFastPath KubeProxyIPVS
        KubeProxyNFTablesLocalhostNodePorts KubeletAllocatedPodsEndpoint NFTablesNetlink
        NodeControllerLeaseCircuitBreaker NodeLifecycleConditions PodGroupPreemptionPolicy
        PodLevelResourcesFixDefaulting PodLevelResourcesFixKubeletQOSClass SchedulerPreQueueingHints
        StaleControllerConsistencyHPA StatefulSetRecreateStrategy VolumeBindMountOptions
        WatchListCompression WebhookRoundTripLoadBalancing
    """,
}
