# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The field names of KubeletConfiguration and KubeProxyConfiguration and the feature gates, by version.

Made by python3 tools/component_fields.py from Kubernetes 1.34.4, 1.35.4, 1.36.3, 1.37.2; not edited by hand.
"""

from __future__ import annotations

MINORS = (34, 35, 36, 37)

# struct -> field -> (the struct it holds or "", first minor version, last one)
FIELDS: dict[str, dict[str, tuple[str, int, int]]] = {
    "ClientConnectionConfiguration": {
        "acceptContentTypes": ("", 34, 37),
        "burst": ("", 34, 37),
        "contentType": ("", 34, 37),
        "kubeconfig": ("", 34, 37),
        "qps": ("", 34, 37),
    },
    "CrashLoopBackOffConfig": {
        "maxContainerRestartPeriod": ("", 34, 37),
    },
    "DetectLocalConfiguration": {
        "bridgeInterface": ("", 34, 37),
        "interfaceNamePrefix": ("", 34, 37),
    },
    "FormatOptions": {
        "json": ("JSONOptions", 34, 37),
        "text": ("TextOptions", 34, 37),
    },
    "JSONOptions": {
        "infoBufferSize": ("", 34, 37),
        "splitStream": ("", 34, 37),
    },
    "KubeProxyConfiguration": {
        "apiVersion": ("", 34, 37),
        "bindAddress": ("", 34, 37),
        "bindAddressHardFail": ("", 34, 37),
        "clientConnection": ("ClientConnectionConfiguration", 34, 37),
        "clusterCIDR": ("", 34, 37),
        "configSyncPeriod": ("", 34, 37),
        "conntrack": ("KubeProxyConntrackConfiguration", 34, 37),
        "detectLocal": ("DetectLocalConfiguration", 34, 37),
        "detectLocalMode": ("", 34, 37),
        "enableProfiling": ("", 34, 37),
        "featureGates": ("", 34, 37),
        "healthzBindAddress": ("", 34, 37),
        "hostnameOverride": ("", 34, 37),
        "iptables": ("KubeProxyIPTablesConfiguration", 34, 37),
        "ipvs": ("KubeProxyIPVSConfiguration", 34, 37),
        "kind": ("", 34, 37),
        "logging": ("LoggingConfiguration", 34, 37),
        "metricsBindAddress": ("", 34, 37),
        "mode": ("", 34, 37),
        "nftables": ("KubeProxyNFTablesConfiguration", 34, 37),
        "nodePortAddresses": ("", 34, 37),
        "oomScoreAdj": ("", 34, 37),
        "portRange": ("", 34, 37),
        "showHiddenMetricsForVersion": ("", 34, 37),
        "windowsRunAsService": ("", 34, 37),
        "winkernel": ("KubeProxyWinkernelConfiguration", 34, 37),
    },
    "KubeProxyConntrackConfiguration": {
        "maxPerCore": ("", 34, 37),
        "min": ("", 34, 37),
        "tcpBeLiberal": ("", 34, 37),
        "tcpCloseWaitTimeout": ("", 34, 37),
        "tcpEstablishedTimeout": ("", 34, 37),
        "udpStreamTimeout": ("", 34, 37),
        "udpTimeout": ("", 34, 37),
    },
    "KubeProxyIPTablesConfiguration": {
        "localhostNodePorts": ("", 34, 37),
        "masqueradeAll": ("", 34, 37),
        "masqueradeBit": ("", 34, 37),
        "minSyncPeriod": ("", 34, 37),
        "syncPeriod": ("", 34, 37),
    },
    "KubeProxyIPVSConfiguration": {
        "excludeCIDRs": ("", 34, 37),
        "minSyncPeriod": ("", 34, 37),
        "scheduler": ("", 34, 37),
        "strictARP": ("", 34, 37),
        "syncPeriod": ("", 34, 37),
        "tcpFinTimeout": ("", 34, 37),
        "tcpTimeout": ("", 34, 37),
        "udpTimeout": ("", 34, 37),
    },
    "KubeProxyNFTablesConfiguration": {
        "masqueradeAll": ("", 34, 37),
        "masqueradeBit": ("", 34, 37),
        "minSyncPeriod": ("", 34, 37),
        "syncPeriod": ("", 34, 37),
    },
    "KubeProxyWinkernelConfiguration": {
        "enableDSR": ("", 34, 37),
        "forwardHealthCheckVip": ("", 34, 37),
        "networkName": ("", 34, 37),
        "rootHnsEndpointName": ("", 34, 37),
        "sourceVip": ("", 34, 37),
    },
    "KubeletAnonymousAuthentication": {
        "enabled": ("", 34, 37),
    },
    "KubeletAuthentication": {
        "anonymous": ("KubeletAnonymousAuthentication", 34, 37),
        "webhook": ("KubeletWebhookAuthentication", 34, 37),
        "x509": ("KubeletX509Authentication", 34, 37),
    },
    "KubeletAuthorization": {
        "mode": ("", 34, 37),
        "webhook": ("KubeletWebhookAuthorization", 34, 37),
    },
    "KubeletConfiguration": {
        "address": ("", 34, 37),
        "allowedUnsafeSysctls": ("", 34, 37),
        "apiVersion": ("", 34, 37),
        "authentication": ("KubeletAuthentication", 34, 37),
        "authorization": ("KubeletAuthorization", 34, 37),
        "cgroupDriver": ("", 34, 37),
        "cgroupRoot": ("", 34, 37),
        "cgroupsPerQOS": ("", 34, 37),
        "clusterDNS": ("", 34, 37),
        "clusterDomain": ("", 34, 37),
        "configMapAndSecretChangeDetectionStrategy": ("", 34, 37),
        "containerLogMaxFiles": ("", 34, 37),
        "containerLogMaxSize": ("", 34, 37),
        "containerLogMaxWorkers": ("", 34, 37),
        "containerLogMonitorInterval": ("", 34, 37),
        "containerRuntimeEndpoint": ("", 34, 37),
        "contentType": ("", 34, 37),
        "cpuCFSQuota": ("", 34, 37),
        "cpuCFSQuotaPeriod": ("", 34, 37),
        "cpuManagerPolicy": ("", 34, 37),
        "cpuManagerPolicyOptions": ("", 34, 37),
        "cpuManagerReconcilePeriod": ("", 34, 37),
        "crashLoopBackOff": ("CrashLoopBackOffConfig", 34, 37),
        "defaultPodSysctls": ("", 37, 37),
        "enableContentionProfiling": ("", 34, 37),
        "enableControllerAttachDetach": ("", 34, 37),
        "enableDebugFlagsHandler": ("", 34, 37),
        "enableDebuggingHandlers": ("", 34, 37),
        "enableProfilingHandler": ("", 34, 37),
        "enableServer": ("", 34, 37),
        "enableSystemLogHandler": ("", 34, 37),
        "enableSystemLogQuery": ("", 34, 37),
        "enforceNodeAllocatable": ("", 34, 37),
        "eventBurst": ("", 34, 37),
        "eventRecordQPS": ("", 34, 37),
        "evictionHard": ("", 34, 37),
        "evictionMaxPodGracePeriod": ("", 34, 37),
        "evictionMinimumReclaim": ("", 34, 37),
        "evictionPressureTransitionPeriod": ("", 34, 37),
        "evictionSoft": ("", 34, 37),
        "evictionSoftGracePeriod": ("", 34, 37),
        "failCgroupV1": ("", 34, 37),
        "failSwapOn": ("", 34, 37),
        "featureGates": ("", 34, 37),
        "fileCheckFrequency": ("", 34, 37),
        "hairpinMode": ("", 34, 37),
        "healthzBindAddress": ("", 34, 37),
        "healthzPort": ("", 34, 37),
        "httpCheckFrequency": ("", 34, 37),
        "imageGCHighThresholdPercent": ("", 34, 37),
        "imageGCLowThresholdPercent": ("", 34, 37),
        "imageMaximumGCAge": ("", 34, 37),
        "imageMinimumGCAge": ("", 34, 37),
        "imagePullCredentialsVerificationPolicy": ("", 34, 37),
        "imageServiceEndpoint": ("", 34, 37),
        "iptablesDropBit": ("", 34, 37),
        "iptablesMasqueradeBit": ("", 34, 37),
        "kernelMemcgNotification": ("", 34, 37),
        "kind": ("", 34, 37),
        "kubeAPIBurst": ("", 34, 37),
        "kubeAPIQPS": ("", 34, 37),
        "kubeReserved": ("", 34, 37),
        "kubeReservedCgroup": ("", 34, 37),
        "kubeletCgroups": ("", 34, 37),
        "localStorageCapacityIsolation": ("", 34, 37),
        "logging": ("LoggingConfiguration", 34, 37),
        "makeIPTablesUtilChains": ("", 34, 37),
        "maxOpenFiles": ("", 34, 37),
        "maxParallelImagePulls": ("", 34, 37),
        "maxPods": ("", 34, 37),
        "memoryManagerPolicy": ("", 34, 37),
        "memoryReservationPolicy": ("", 36, 37),
        "memorySwap": ("MemorySwapConfiguration", 34, 37),
        "memoryThrottlingFactor": ("", 34, 37),
        "mergeDefaultEvictionSettings": ("", 34, 37),
        "nodeLeaseDurationSeconds": ("", 34, 37),
        "nodeStatusMaxImages": ("", 34, 37),
        "nodeStatusReportFrequency": ("", 34, 37),
        "nodeStatusUpdateFrequency": ("", 34, 37),
        "oomScoreAdj": ("", 34, 37),
        "podCIDR": ("", 34, 37),
        "podLogsDir": ("", 34, 37),
        "podPidsLimit": ("", 34, 37),
        "podsPerCore": ("", 34, 37),
        "port": ("", 34, 37),
        "preloadedImagesVerificationAllowlist": ("", 34, 37),
        "protectKernelDefaults": ("", 34, 37),
        "providerID": ("", 34, 37),
        "qosReserved": ("", 34, 37),
        "readOnlyPort": ("", 34, 37),
        "registerNode": ("", 34, 37),
        "registerWithTaints": ("", 34, 37),
        "registryBurst": ("", 34, 37),
        "registryPullQPS": ("", 34, 37),
        "reservedMemory": ("MemoryReservation", 34, 37),
        "reservedSystemCPUs": ("", 34, 37),
        "resolvConf": ("", 34, 37),
        "rotateCertificates": ("", 34, 37),
        "runOnce": ("", 34, 37),
        "runtimeRequestTimeout": ("", 34, 37),
        "seccompDefault": ("", 34, 37),
        "serializeImagePulls": ("", 34, 37),
        "serverTLSBootstrap": ("", 34, 37),
        "showHiddenMetricsForVersion": ("", 34, 37),
        "shutdownGracePeriod": ("", 34, 37),
        "shutdownGracePeriodByPodPriority": ("ShutdownGracePeriodByPodPriority", 34, 37),
        "shutdownGracePeriodCriticalPods": ("", 34, 37),
        "singleProcessOOMKill": ("", 34, 37),
        "staticPodPath": ("", 34, 37),
        "staticPodURL": ("", 34, 37),
        "staticPodURLHeader": ("", 34, 37),
        "streamingConnectionIdleTimeout": ("", 34, 37),
        "syncFrequency": ("", 34, 37),
        "systemCgroups": ("", 34, 37),
        "systemReserved": ("", 34, 37),
        "systemReservedCgroup": ("", 34, 37),
        "tlsCertFile": ("", 34, 37),
        "tlsCipherSuites": ("", 34, 37),
        "tlsCurvePreferences": ("", 36, 37),
        "tlsMinVersion": ("", 34, 37),
        "tlsPrivateKeyFile": ("", 34, 37),
        "topologyManagerPolicy": ("", 34, 37),
        "topologyManagerPolicyOptions": ("", 34, 37),
        "topologyManagerScope": ("", 34, 37),
        "tracing": ("TracingConfiguration", 34, 37),
        "userNamespaces": ("UserNamespaces", 34, 37),
        "volumePluginDir": ("", 34, 37),
        "volumeStatsAggPeriod": ("", 34, 37),
    },
    "KubeletWebhookAuthentication": {
        "cacheTTL": ("", 34, 37),
        "enabled": ("", 34, 37),
    },
    "KubeletWebhookAuthorization": {
        "cacheAuthorizedTTL": ("", 34, 37),
        "cacheUnauthorizedTTL": ("", 34, 37),
    },
    "KubeletX509Authentication": {
        "clientCAFile": ("", 34, 37),
    },
    "LoggingConfiguration": {
        "flushFrequency": ("", 34, 37),
        "format": ("", 34, 37),
        "options": ("FormatOptions", 34, 37),
        "verbosity": ("", 34, 37),
        "vmodule": ("", 34, 37),
    },
    "MemoryReservation": {
        "limits": ("", 34, 37),
        "numaNode": ("", 34, 37),
    },
    "MemorySwapConfiguration": {
        "swapBehavior": ("", 34, 37),
    },
    "ShutdownGracePeriodByPodPriority": {
        "priority": ("", 34, 37),
        "shutdownGracePeriodSeconds": ("", 34, 37),
    },
    "TextOptions": {
        "infoBufferSize": ("", 34, 37),
        "splitStream": ("", 34, 37),
    },
    "TracingConfiguration": {
        "endpoint": ("", 34, 37),
        "samplingRatePerMillion": ("", 34, 37),
    },
    "UserNamespaces": {
        "idsPerPod": ("", 34, 37),
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
