namespace Esper.Native;

/// <summary>Why a native call failed. The numbers are those of <c>esper_status_code</c>.</summary>
public enum NativeStatus
{
    /// <summary>The call succeeded.</summary>
    Ok = 0,

    /// <summary>An argument breaks the documented contract; the message names it.</summary>
    InvalidArgument = 1,

    /// <summary>Memory could not be allocated.</summary>
    OutOfMemory = 2,

    /// <summary>The machine or this build cannot do what was asked for explicitly.</summary>
    Unsupported = 3,

    /// <summary>The lifecycle table has no such transition.</summary>
    IllegalTransition = 4,

    /// <summary>A checksum or an invariant does not hold.</summary>
    Corrupt = 5,

    /// <summary>An unexpected failure inside the library; the message has its text.</summary>
    Internal = 6,

    /// <summary>The CUDA driver or NVRTC failed; the message has its name and text.</summary>
    Cuda = 7,
}
