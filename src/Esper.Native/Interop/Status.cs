using System.Runtime.CompilerServices;

namespace Esper.Native.Interop;

/// <summary>Turns failed calls into exceptions with the library's own text.</summary>
internal static unsafe class Status
{
    /// <summary>Throws unless a call into libesper succeeded.</summary>
    /// <param name="status">What the call returned.</param>
    /// <param name="operation">The public member that made the call.</param>
    public static void Check(int status, [CallerMemberName] string operation = "")
    {
        if (status != 0)
        {
            Throw(status, operation, Utf8.Read(EsperApi.LastError()));
        }
    }

    /// <summary>Throws unless a call into libesper_host succeeded.</summary>
    /// <param name="status">What the call returned.</param>
    /// <param name="operation">The public member that made the call.</param>
    public static void CheckHost(int status, [CallerMemberName] string operation = "")
    {
        if (status != 0)
        {
            Throw(status, operation, Utf8.Read(EsperHostApi.LastError()));
        }
    }

    private static void Throw(int status, string operation, string text)
    {
        string name = Utf8.Read(EsperApi.StatusName(status));
        throw new NativeException((NativeStatus)status, text, $"{operation}: {text} ({name})");
    }
}
