namespace Esper.Native;

/// <summary>Where a session runs. The numbers are those of <c>esper_host_device</c>.</summary>
public enum HostDevice
{
    /// <summary>The processor.</summary>
    Cpu = 0,

    /// <summary>The graphics processor; refused where libtorch or the machine has none, never replaced.</summary>
    Cuda = 1,
}
