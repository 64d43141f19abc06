using Esper.Native.Interop;

namespace Esper.Native;

/// <summary>What was done to the process's environment so that the native libraries run well.</summary>
public static class NativeEnvironment
{
    private static readonly Lazy<string> Notice = new(Prepare);

    /// <summary>
    /// Names the OpenBLAS variables that were removed because values meant for another machine halve the speed of
    /// matrix products, or that were kept because <c>ESPER_KEEP_OPENBLAS=1</c>; "" if none was set. The first reading
    /// prepares the environment; loading the training host does it by itself, before OpenBLAS is loaded.
    /// </summary>
    /// <exception cref="NativeLibraryException">libesper cannot be loaded.</exception>
    public static string OpenBlasNotice => Notice.Value;

    private static unsafe string Prepare() => Utf8.Read(EsperApi.EnvironmentPrepare());
}
