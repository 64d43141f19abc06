namespace Esper.Native;

/// <summary>What a value of a host graph is. The numbers are those of <c>esper_host_role</c>.</summary>
public enum HostRole
{
    /// <summary>Output of a node.</summary>
    Intermediate = 0,

    /// <summary>Supplied with each call.</summary>
    Input = 1,

    /// <summary>Trained, float32.</summary>
    Parameter = 2,

    /// <summary>State that a node updates in training mode, float32.</summary>
    Buffer = 3,

    /// <summary>Fixed.</summary>
    Constant = 4,
}
