using System.Diagnostics.CodeAnalysis;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Esper.Native.Interop;

/// <summary>Finds, loads and checks the two native libraries, each once, when the first call needs it.</summary>
internal static class NativeLibraries
{
    private static readonly Lock Gate = new();
    private static nint kernels;
    private static nint host;

    /// <summary>Directs the imports of this assembly to <see cref="Resolve"/>.</summary>
    [ModuleInitializer]
    [SuppressMessage("Usage", "CA2255", Justification = "Imports must be directed before any of them is called.")]
    internal static void Register() => NativeLibrary.SetDllImportResolver(typeof(NativeLibraries).Assembly, Resolve);

    private static nint Resolve(string name, Assembly assembly, DllImportSearchPath? searchPath) => name switch
    {
        "esper" => Kernels(),
        "esper_host" => Host(),
        _ => 0,
    };

    private static nint Kernels()
    {
        lock (Gate)
        {
            if (kernels == 0)
            {
                (nint handle, string path) = Load("esper");
                LibraryCheck.Verify(
                    handle, path, "esper_abi_version", "esper_struct_size", EsperConstants.AbiVersion, EsperStructs.Sizes);
                kernels = handle;
            }

            return kernels;
        }
    }

    private static nint Host()
    {
        lock (Gate)
        {
            if (host == 0)
            {
                // OpenBLAS reads its environment when it is loaded, and it comes with libesper_host.
                _ = NativeEnvironment.OpenBlasNotice;
                (nint handle, string path) = Load("esper_host");
                LibraryCheck.Verify(
                    handle, path, "esper_host_abi_version", "esper_host_struct_size",
                    EsperHostConstants.AbiVersion, EsperHostStructs.Sizes);
                host = handle;
            }

            return host;
        }
    }

    private static (nint Handle, string Path) Load(string library) => LibraryLoader.Load(
        library,
        LibrarySearch.Candidates(
            library, Environment.GetEnvironmentVariable(LibrarySearch.DirectoryVariable), AppContext.BaseDirectory));
}
